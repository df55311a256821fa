import RateLimiter

extension RouteClass {
    /// Test events asked for: 10 a minute (G6).
    static let webhookTest = RouteClass(
        number: 2, name: "webhook-test", policy: Policy(requests: 10, windowSeconds: 60, burst: 10)!)
}
