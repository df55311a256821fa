import Cryptography
import Glibc
import TenantApp

Output.holdStreams()
OpenSSLLibrary.start()
// No command for people: the gateway and `verify` run it, to look at files from elsewhere.
if CommandLine.arguments.dropFirst().elementsEqual([ExaminationProcess.command]) { exit(ExaminationProcess.serve()) }
exit(CommandTable.run(Array(CommandLine.arguments.dropFirst())))
