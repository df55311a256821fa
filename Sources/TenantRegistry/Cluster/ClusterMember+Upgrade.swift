/// A program that takes the registry a step further, while others run that do not know that step (N5).
extension ClusterMember {
    /// Throws `.refused`, and has left, where this program would take the registry a step further, nodes run that would
    /// serve nothing more then, and nobody said that it may. Where the registry has that step already nobody loses by
    /// one node more. Before the registry is opened. Where it is told of such nodes it looks for as long as it takes to
    /// see that they live. Blocks.
    func judgeRegistryStep() throws(SharedLogError) {
        if options.upgradesRegistry { return }
        var beats: [NodeName: Int64] = [:]
        var alive: Set<NodeName> = []
        var away: SharedLogError?
        for _ in 0...(bounds.deadMilliseconds / bounds.beatMilliseconds) {
            do throws(SharedLogError) {
                let older = try nodesBehind()
                away = nil
                for node in older {
                    if let before = beats[node.name], before != node.beats { alive.insert(node.name) }
                    beats[node.name] = node.beats
                }
                alive.formIntersection(older.map(\.name))
                if alive.count == older.count { break }
            } catch {
                // One lost answer is no end.
                guard error.isAway else { throw error }
                away = error
            }
            pause(milliseconds: Int(bounds.beatMilliseconds))
        }
        if alive.isEmpty {
            if let away { throw away }
            return
        }
        _ = try? log.beat(name, generation: generation, state: .left, ownersSince: .max)
        let names = alive.sorted().map(\.text).joined(separator: ", ")
        throw .refused(
            "this program changes the registry, and nodes run that do not know its version "
                + "\(options.registrySchema): \(names). They would serve nothing more. Stop them first, or start this "
                + "node with --upgrade-registry")
    }

    /// Of other names, and not stopped; none where the registry is as this program makes it.
    private func nodesBehind() throws(SharedLogError) -> [ClusterView.Node] {
        let view = try log.beat(name, generation: generation, state: .draining, ownersSince: .max)
        guard let view else { throw .refused("another process is node \(name.text)") }
        if view.registrySchema >= options.registrySchema { return [] }
        return view.nodes.filter { $0.name != name && $0.state != .left && $0.registry < options.registrySchema }
    }
}
