package import Cryptography
import Synchronization
package import TenantRegistry

/// What handlers may use of the process.
package struct Services: Sendable {
    package let fleet: Fleet
    package let scrypt: Scrypt
    /// The hash of a password that nobody has: what an unknown address is checked against, so that it costs what a
    /// known one does.
    package let decoyHash: String
    /// The way to services outside.
    package let outbound: any OutboundCalls
    private let shared = SharedState()

    /// `states`: those that are given, not made on first use.
    package init(
        fleet: Fleet, scrypt: Scrypt, outbound: any OutboundCalls, states: [any ProcessState] = []
    ) throws {
        self.fleet = fleet
        self.scrypt = scrypt
        self.outbound = outbound
        for state in states { shared.give(state) }
        decoyHash = try scrypt.hash(Hex.encode(fleet.random.bytes(16)), random: fleet.random)
    }

    package var random: any RandomSource { fleet.random }

    /// The process's one instance of a feature's own state, made on first use. Any thread.
    package func shared<State: ProcessState>(_ type: State.Type = State.self) -> State { shared.instance(of: type) }
}

/// What a feature keeps in memory for the whole process, say the calls that are under way. Features name it; the kit
/// holds it.
package protocol ProcessState: AnyObject, Sendable {
    init()
}

/// One instance a type. Any thread.
private final class SharedState: Sendable {
    private let instances = Mutex<[ObjectIdentifier: any ProcessState]>([:])

    func give(_ state: any ProcessState) { instances.withLock { $0[ObjectIdentifier(type(of: state))] = state } }

    func instance<State: ProcessState>(of type: State.Type) -> State {
        instances.withLock { instances in
            if let known = instances[ObjectIdentifier(type)] as? State { return known }
            let made = State()
            instances[ObjectIdentifier(type)] = made
            return made
        }
    }
}
