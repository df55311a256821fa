import CallKit
import Cryptography
import HTTPCore
import TenantApp
import TenantRegistry

/// The node itself: provider keys, blueprints, the registry's rebuild.
extension ProviderAPI {
    static let keyPrefix = "tgp"

    static let nodeRoutes: [ProviderRoute] = [
        ProviderRoute(
            .post, "/provider-key/rotate", "Issue a new provider key; the others die", gives: .done(Schemas.providerKey)
        ) { api, call, _, reply in
            let key = APIKeyFormat.mint(prefix: keyPrefix, mode: "live", random: api.fleet.random)
            api.fleet.rotateProviderKey(key, judge: call.caller.judge) { result in
                reply(result.map { .whole(.json { $0.field("provider_key", key) }) })
            }
        },
        ProviderRoute(.get, "/blueprints", "List blueprints", gives: .read(Schemas.blueprints)) { api, _, _, reply in
            reply(
                .success(
                    .whole(
                        .json { json in
                            json.array("data") { json in
                                for blueprint in api.blueprints.all {
                                    json.object { json in
                                        json.field("name", blueprint.name)
                                        json.field("title", blueprint.title)
                                        json.field("currency", blueprint.currency)
                                        json.array("dialects") { json in
                                            for name in blueprint.dialects { json.element(name) }
                                        }
                                    }
                                }
                            }
                        })))
        },
        ProviderRoute(
            .post, "/registry/rebuild", "Rebuild the registry's projection from the files",
            gives: .done(Schemas.rebuilt)
        ) {
            api, _, _, reply in
            api.fleet.rebuildProjections { tenants, failed in
                reply(
                    .success(
                        .whole(
                            .json { json in
                                json.field("tenants", tenants)
                                json.array("failed") { json in for slug in failed { json.element(slug) } }
                            })))
            }
        },
    ]
}
