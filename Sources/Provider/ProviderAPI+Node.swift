import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// The node itself: provider keys, blueprints, the registry's rebuild.
extension ProviderAPI {
    var nodeRoutes: [Route] {
        [
            Route(
                .post, "/provider-key/rotate", "Issue a new provider key; the others die", access: .provider,
                gives: .done(Schemas.providerKey)
            ) { call in
                let key = APIKeyFormat.mint(prefix: Self.keyPrefix, mode: "live", random: fleet.random)
                return .flow { steps in
                    try await steps.callback { done in
                        fleet.rotateProviderKey(key, judge: call.provider.judge, then: done)
                    }
                    // The caller has the key whatever becomes of the file.
                    try? await steps.files { try DemoFile(fleet).replaceProviderKey(by: key) }
                    return .answer(.json { $0.field("provider_key", key) })
                }
            },
            Route(.get, "/blueprints", "List blueprints", access: .provider, gives: .read(Schemas.blueprints)) { _ in
                .answer(listBlueprints())
            },
            Route(
                .post, "/clock/accept", "Say that the node's clock is right, so that charging goes on",
                access: .provider, gives: .done(Schemas.clock)
            ) { _ in
                let now = fleet.clock.now()
                let leap = fleet.clockGuard.accept(now, steady: fleet.monotonic.nanoseconds())
                if let leap { fleet.report("the time of day was accepted, \(leap / 3_600_000) h ahead") }
                return .answer(
                    .json { json in
                        json.field("now", now.text)
                        json.field("leapt_seconds", (leap ?? 0) / 1_000)
                    })
            },
            Route(
                .post, "/registry/rebuild", "Rebuild the registry's projection from the files", access: .provider,
                gives: .done(Schemas.rebuilt)
            ) { _ in
                .flow { steps in
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
