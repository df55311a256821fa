import RateLimiter

extension RouteClass {
    /// Payments begun: 10 in 15 minutes (A6).
    static let topUp = RouteClass(
        number: 1, name: "topup", policy: Policy(requests: 10, windowSeconds: 900, burst: 10)!)
}
