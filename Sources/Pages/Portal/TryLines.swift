import CallKit
import HTML
import HTTPCore
import PageKit

/// Lines to take along that call the API: a first read, and a signed order (W5). Keys and secrets they read from the
/// environment.
extension PortalPages {
    static func tryIt(_ own: OwnAPI, _ view: View) -> Panel {
        let lines = ReadLines(url: view.visit.call.baseURL + own.base + own.firstCall, place: own.keyPlace)
        return Panel("Try it") {
            """
            <p class="sub">Shell</p>\(CopyBox(lines.shell, id: "try-curl", label: "the command", isBlock: true))\
            <p class="sub">Python</p>\(CopyBox(lines.python, id: "try-python", label: "the Python lines", isBlock: true))\
            <p class="sub">Node, as a module</p>\(CopyBox(lines.node, id: "try-node", label: "the JavaScript lines", isBlock: true))
            """
        }
    }

    /// An order of the first product that is priced.
    static func tryOrder(_ own: OwnAPI, _ view: View) throws -> HTML? {
        guard own.dialect == orderDialect else { return nil }
        let product = try view.ask("/products", [("limit", "1")])?.rows().first
        let lines = OrderLines(
            url: view.visit.call.baseURL + own.base + "/orders", sku: product?["product"] ?? "your-product",
            term: Word.terms.first { product?.row("terms")?.json[$0] != nil } ?? "monthly")
        let boxes: [(title: String, id: String, text: String)] = [
            ("Shell", "try-order-shell", lines.shell), ("Python", "try-order-python", lines.python),
            ("Node, as a module", "try-order-node", lines.node), ("With the command", "try-order", lines.command),
        ]
        let testKey: HTML? =
            own.offersKeys(view)
            ? Button("Test key", leadsTo: view.link("/api/test-key")).html : nil
        return Panel("Try an order", actions: testKey) {
            """
            <p>With a test key in <code>$TOLLGATE_KEY</code> it is of the test book, and costs nothing. It is signed with \
            the signing secret in <code>$TOLLGATE_WEBHOOK_SECRET</code>.</p>\
            \(each: boxes, { box in
                """
                <p class="sub">\(box.title)</p>\
                \(CopyBox(box.text, id: box.id, label: "the lines that order: \(box.title)", isBlock: true))
                """
            })
            """
        }.html
    }
}

/// A first read of an API, with the key where that API takes it. A value: any thread.
private struct ReadLines {
    let url: String
    let place: CredentialPlace

    var shell: String {
        switch place {
        case .query(let name): "curl -s \"\(url)?\(name)=$TOLLGATE_KEY\""
        case .header(let name): "curl -s \(url) -H \"\(name): $TOLLGATE_KEY\""
        case .bearer: "curl -s \(url) -H \"Authorization: Bearer $TOLLGATE_KEY\""
        }
    }

    var python: String {
        let (key, request): (String, String) =
            switch place {
            case .query(let name):
                (#"os.environ["TOLLGATE_KEY"]"#, "urllib.request.Request(\"\(url)?\(name)=\" + key)")
            case .header(let name):
                (#"os.environ["TOLLGATE_KEY"]"#, "urllib.request.Request(\"\(url)\", headers={\"\(name)\": key})")
            case .bearer:
                (
                    #""Bearer " + os.environ["TOLLGATE_KEY"]"#,
                    "urllib.request.Request(\"\(url)\", headers={\"Authorization\": key})"
                )
            }
        return """
            import os, urllib.request
            key = \(key)
            request = \(request)
            print(urllib.request.urlopen(request).read().decode())
            """
    }

    var node: String {
        let (key, arguments): (String, String) =
            switch place {
            case .query(let name): ("process.env.TOLLGATE_KEY", "\"\(url)?\(name)=\" + key")
            case .header(let name): ("process.env.TOLLGATE_KEY", "\"\(url)\", {headers: {\"\(name)\": key}}")
            case .bearer:
                (#""Bearer " + process.env.TOLLGATE_KEY"#, "\"\(url)\", {headers: {\"Authorization\": key}}")
            }
        return """
            const key = \(key);
            const answer = await fetch(\(arguments));
            console.log(await answer.json());
            """
    }
}

/// One order, in the languages of shops. The signed text is the time, the method, the path as it is sent, the
/// Idempotency-Key and the body, with full stops between. A value: any thread.
private struct OrderLines {
    let url: String
    let sku: String
    let term: String

    private var body: String {
        #"{"product":"\#(sku)","term":"\#(term)","quantity":1,"customer":{"external_id":"c-1"}}"#
    }

    var shell: String {
        """
        URL=\(url)
        BODY='\(body)'
        NOW=$(date +%s) ID=try-$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
        HEX=$(printf %s "${TOLLGATE_WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -vtx1 | tr -d ' \\n')
        SIGNATURE=$(printf %s "$NOW.POST./${URL#*://*/}.$ID.$BODY" |
          openssl dgst -sha256 -mac HMAC -macopt "hexkey:$HEX" | sed 's/.* //')
        curl -s "$URL" -H "Authorization: Bearer $TOLLGATE_KEY" -H "Content-Type: application/json" \\
          -H "Idempotency-Key: $ID" -H "X-Tollgate-Timestamp: $NOW" -H "X-Tollgate-Signature: v1=$SIGNATURE" \\
          --data-binary "$BODY"
        """
    }

    var python: String {
        """
        import base64, hashlib, hmac, os, time, urllib.request, uuid
        url = "\(url)"
        body = '\(body)'
        key, now, path = str(uuid.uuid4()), int(time.time()), urllib.request.Request(url).selector
        secret = base64.b64decode(os.environ["TOLLGATE_WEBHOOK_SECRET"].removeprefix("whsec_"))
        signed = f"{now}.POST.{path}.{key}.{body}".encode()
        headers = {"Authorization": "Bearer " + os.environ["TOLLGATE_KEY"], "Content-Type": "application/json",
                   "Idempotency-Key": key, "X-Tollgate-Timestamp": str(now),
                   "X-Tollgate-Signature": "v1=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()}
        print(urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers)).read().decode())
        """
    }

    var node: String {
        """
        import { createHmac, randomUUID } from "node:crypto";
        const url = new URL("\(url)");
        const body = '\(body)';
        const key = randomUUID(), now = Math.floor(Date.now() / 1000), path = url.pathname + url.search;
        const secret = Buffer.from(process.env.TOLLGATE_WEBHOOK_SECRET.replace("whsec_", ""), "base64");
        const signature = createHmac("sha256", secret).update(`${now}.POST.${path}.${key}.${body}`).digest("hex");
        const answer = await fetch(url, {method: "POST", body, headers: {
          "Authorization": "Bearer " + process.env.TOLLGATE_KEY, "Content-Type": "application/json",
          "Idempotency-Key": key, "X-Tollgate-Timestamp": String(now), "X-Tollgate-Signature": "v1=" + signature}});
        console.log(JSON.stringify(await answer.json()));
        """
    }

    /// `tollgate sign` makes the signature.
    var command: String {
        """
        printf %s '\(body)' > order.json
        tollgate sign --path \(url) --body-file order.json |
          curl -s \(url) -H @- -H "Authorization: Bearer $TOLLGATE_KEY" \\
            -H "Content-Type: application/json" --data-binary @order.json
        """
    }
}
