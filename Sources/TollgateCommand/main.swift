import Foundation
import Gateway
import HTTPCore
import HTTPServer
import TenantApp

var configuration = Configuration()
configuration.dataPath = CommandLine.arguments[1]
configuration.listeners = [Listener(.tcp(.loopback, port: UInt16(CommandLine.arguments[2])!))]
let gateway = try Gateway.start(configuration, blueprints: try Blueprints(folder: "tenants"))
print(try gateway.provisionDemo() ?? "no demo")
signal(SIGTERM, SIG_IGN)
let source = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
source.setEventHandler {
    gateway.stop()
    exit(0)
}
source.resume()
dispatchMain()
