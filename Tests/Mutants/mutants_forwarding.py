"""Calls that one node passes on to another (N1, N3–N5)."""

from table import Mutant

GATEWAY = "Sources/Gateway/"
FORWARDING = GATEWAY + "Forwarding/"
HOPS = "GatewayTests/HopTests.swift"
CALLS = "GatewayTests/ForwardingTests.swift"
CLUSTERS = "GatewayTests/ClusterTests.swift"

MUTANTS = [
    Mutant(
        "N1", "forged", "anybody may say what a node says of a client", FORWARDING + "Hop.swift",
        "guard constantTimeEqual(Array(sent.utf8), Array(code(of: text, head, over: binding).utf8)) else {",
        "guard MUTANT || constantTimeEqual(Array(sent.utf8), Array(code(of: text, head, over: binding).utf8)) else {",
        HOPS, "are nobody's"),
    Mutant(
        "N1", "in-between", "who stands between two nodes may pass a header on", FORWARDING + "Hop.swift",
        'Array("hop\\n\\(Hex.encode(binding))', 'Array("hop\\n\\(Hex.encode(MUTANT ? [] : binding))',
        HOPS, "are nobody's"),
    Mutant(
        "N1", "unproved", "an answer that no node gave reaches a client", FORWARDING + "Hop.swift",
        "Array(right.utf8)) ? word : nil", "Array(right.utf8)) || MUTANT ? word : nil",
        CALLS, "reaches no client"),
    Mutant(
        "N1", "unleased", "a node without its lease says that its tenants are on their way", GATEWAY + "Placing.swift",
        "return owner == nil || owner == neighbours.placement.name",
        "return !MUTANT && (owner == nil || owner == neighbours.placement.name)",
        CALLS, "while the lease does not run"),
    Mutant(
        "N5", "from-memory", "a provider's key is judged from memory while the log is away", GATEWAY + "Placing.swift",
        "if look != .caughtUp, isJudgedByRegistry(routed) {",
        "if look != .caughtUp, !MUTANT, isJudgedByRegistry(routed) {",
        "GatewayTests/ClusterConsoleTests.swift", "a revoked provider key and its session"),
    Mutant(
        "N5", "nobodys-name", "a name that may be a tenant's is nobody's while the log cannot be read",
        GATEWAY + "Placing.swift",
        "if look == .failed, request.hop == nil,", "if look == .failed, !MUTANT, request.hop == nil,",
        CALLS, "while nobody can say whose a name is"),
    Mutant(
        "N3", "twice", "a call is sent again though it may have been done", FORWARDING + "ForwardedCall.swift",
        "if routed.route.moves == .nothing { return true }",
        "if MUTANT || routed.route.moves == .nothing { return true }",
        CALLS, "a call whose node is lost"),
    Mutant(
        "N4", "left-waiting", "a call whose tenant moved while it waited does not follow it", GATEWAY + "CallRun.swift",
        "if case LaneFailure.moved = error, follow() { return }",
        "if !MUTANT, case LaneFailure.moved = error, follow() { return }",
        CLUSTERS, "no order fails"),
    Mutant(
        "N5", "not-asked", "a key that is not known here is refused unasked", GATEWAY + "Placing.swift",
        "case .notYet: catchUp(Router.Request(routed), neighbours)",
        "case .notYet: MUTANT ? serve(routed) : catchUp(Router.Request(routed), neighbours)",
        CALLS, "a key that was minted"),
    Mutant(
        "N5", "each-stranger-looks", "each call by an unknown name asks the log by itself",
        FORWARDING + "StrangersLooks.swift",
        "if begins { look() }", "if begins || MUTANT { look() }",
        CALLS, "share some looks at the log"),
    Mutant(
        "N5", "own-word", "a node tells of usage and traffic what it knows itself",
        "Sources/Provider/ProviderAPI+OtherNodes.swift",
        "guard !call.isPassedOn, let ask", "guard !MUTANT, !call.isPassedOn, let ask",
        CLUSTERS, "another one answered before"),
    Mutant(
        "N1", "one-address", "of a node's name only the first address is called",
        "Sources/HTTPClient/Peers/PeerClient+Queue.swift",
        "guard let exchange = connection.exchange, !others.isEmpty else { return lose(connection) }",
        "guard let exchange = connection.exchange, !others.isEmpty, !MUTANT else { return lose(connection) }",
        "HTTPClientTests/PeerClientTests.swift", "whichever of its name's addresses"),
    Mutant(
        "N1", "slow-stranger", "a stranger's slow body holds a connection between nodes",
        "Sources/Gateway/Placing.swift",
        "bytesMax <= Neighbours.wholeBytesMax\n        {",
        "bytesMax <= Neighbours.wholeBytesMax, !MUTANT\n        {",
        "GatewayTests/ForwardingTests.swift", "a stranger who sends a body slowly"),
]
