import CallKit
import HTTPCore
import TenantApp
import TenantRegistry

/// The node itself: blueprints, its clock, the registry's rebuild.
extension ProviderAPI {
    var nodeRoutes: [Route] {
        [
            Route(.get, "/blueprints", "List blueprints", access: .provider, gives: .read(Schemas.blueprints)) { _ in
                .answer(listBlueprints())
            },
            Route(
                .get, "/node", "Tell how the node is", access: .providerReader, gives: .read(Schemas.nodeFigures)
            ) { call in
                .flow { steps in
                    let figures = try await steps.files { watch.figures }
                    return .answer(node(figures, at: call.now))
                }
            },
            Route(
                .post, "/clock/accept", "Say that the node's clock is right, so that charging goes on",
                access: .provider, gives: .done(Schemas.clock)
            ) { call in
                .flow { steps in
                    try await log(call.act("clock.accepted"), call, steps)
                    let now = fleet.clock.now()
                    let leap = fleet.clockGuard.accept(now, steady: fleet.monotonic.nanoseconds())
                    if let leap { fleet.report("the time of day was accepted, \(leap / 3_600_000) h ahead") }
                    return .answer(
                        .json { json in
                            json.field("now", now.text)
                            json.field("leapt_seconds", (leap ?? 0) / 1_000)
                        })
                }
            },
            Route(
                .post, "/registry/rebuild", "Rebuild the registry's projection from the files", access: .provider,
                gives: .done(Schemas.rebuilt)
            ) { call in
                .flow { steps in
                    try await log(call.act("registry.rebuilt"), call, steps)
                    let (tenants, failed) = try await steps.callback { done in
                        fleet.rebuildProjections { done(.success(($0, $1))) }
                    }
                    return .answer(
                        .json { json in
                            json.field("tenants", tenants)
                            json.array("failed") { json in for slug in failed { json.element(slug) } }
                        })
                }
            },
        ]
    }

    /// A line of what has its effect outside the registry. Before it: the key is judged with it. `isDone`: the effect
    /// is there, whatever became of the key.
    func log(
        _ act: ProviderAct, of record: TenantRecord? = nil, _ call: Call, _ steps: Steps, isDone: Bool = false
    ) async throws {
        let judge: Registry.Judge = isDone ? { @Sendable _ in } : call.provider.judge
        try await steps.callback { done in
            fleet.registry.log(act, tenant: record?.id, slug: record?.slug, judge: judge, then: done)
        }
    }

    private func node(_ figures: [NodeFigure], at now: Timestamp) -> Answer {
        .json { json in
            json.field("now", now.text)
            json.field("version", Version.text)
            json.field("schema", Int64(fleet.schema.version))
            json.array("data") { json in
                for figure in figures {
                    json.object { json in
                        json.field("group", figure.group)
                        json.field("name", figure.name)
                        json.field("title", figure.title)
                        json.field("value", figure.value)
                        json.field("unit", figure.unit)
                        json.field("level", figure.level.rawValue)
                    }
                }
            }
        }
    }

    private func listBlueprints() -> Answer {
        .json { json in
            json.array("data") { json in
                for blueprint in blueprints.all {
                    json.object { json in
                        json.field("name", blueprint.name)
                        json.field("title", blueprint.title)
                        json.field("currency", blueprint.currency)
                        json.array("dialects") { json in for name in blueprint.dialects { json.element(name) } }
                    }
                }
            }
        }
    }
}
