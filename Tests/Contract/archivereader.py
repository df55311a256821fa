"""A reader of an archive, written from docs/internals/archive.md and docs/internals/log.md alone: it follows a node's
log in a folder and has each tenant's file as it was at the last object that it took. It believes nothing: seals, names,
links, the chain of the frames, digests of payloads and sequences are checked at every step."""

import hashlib
import hmac
import json
import os
import sqlite3
import struct
import uuid
import zlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEAD = 144
COMMIT, PART, MARKS, OPENED, INDEX, CLOSED = range(1, 7)
CONTINUES = 2
PAYLOADS, CHANGES, REGISTRY, SNAPSHOT, ERASED, GAP = range(1, 7)


class Wrong(AssertionError):
    """The archive is not what it says it is."""


def check(condition, *what):
    if not condition:
        raise Wrong(*what)


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


class Key:
    """Names and seals the objects of one owner."""

    def __init__(self, secret):
        key = mac(secret, b"tollgate archive 1")
        self.naming = mac(key, b"names")
        self.sealing = AESGCM(mac(key, b"objects"))

    def open(self, sealed, name):
        text = self.sealing.decrypt(sealed[:12], sealed[12:], name.encode())
        place, _, code = name.rpartition("-")
        check(mac(self.naming, place.encode(), b"\0", text)[:16].hex() == code, "named for other content", name)
        return text


def unpacked(commit):
    """A commit as runs of new bytes; packed ones are LZ4's block format behind a mark and their length."""
    mark, length = struct.unpack_from("<II", commit)
    if mark != 0xFFFF_FFFF:
        return commit
    out, at = bytearray(), 8
    while True:
        token = commit[at]
        literals, at = long_length(commit, at + 1, token >> 4)
        out += commit[at:at + literals]
        at += literals
        if at == len(commit):
            break
        distance = int.from_bytes(commit[at:at + 2], "little")
        check(0 < distance <= len(out), "a match before the beginning")
        again, at = long_length(commit, at + 2, token & 15)
        for _ in range(again + 4):
            out.append(out[-distance])
    check(len(out) == length, "a packed commit's length")
    return bytes(out)


def long_length(block, at, length):
    """15 goes on in bytes of 255 and a last one."""
    more = 255 if length == 15 else 0
    while more == 255:
        more, at = block[at], at + 1
        length += more
    return length, at


class Frame:
    def __init__(self, head):
        check(head[:4] == b"TGL1" and head[4] == 1, "no frame")
        self.kind = head[5]
        self.flags, self.length, self.sum = struct.unpack_from("<HII", head, 6)
        self.epoch, self.start, self.durable = struct.unpack_from("<QQQ", head, 16)
        self.tenant = head[40:56]
        self.incarnation, self.at, self.sequence = struct.unpack_from("<qqQ", head, 56)
        self.digest, self.chain = head[80:112], head[112:144]
        blank = head[:12] + bytes(4) + head[16:]
        check(zlib.crc32(blank) == self.sum, "the head's sum", self.start)
        self.link = blank[:112]
        self.end = self.start + HEAD + (self.length + 7) // 8 * 8


class Tenant:
    """One tenant's file: a copy, and the commits that came after it."""

    def __init__(self, entry, image):
        self.entry, self.image = entry, bytearray(image)
        self.lsn, self.parts = entry["lsn"], b""

    def apply(self, frame, payload):
        if frame.incarnation != self.entry["incarnation"] or frame.end <= self.lsn:
            return
        # Parts that no commit follows are not part of the log.
        if not frame.flags & CONTINUES:
            self.parts = b""
        self.parts += payload
        if frame.kind == PART:
            return
        commit, self.parts, self.lsn = self.parts, b"", frame.end
        if not commit:
            return
        commit = unpacked(commit)
        pages, count = struct.unpack_from("<II", commit)
        size = pages * 4096
        self.image = self.image[:size] + bytes(max(0, size - len(self.image)))
        at = 8
        for _ in range(count):
            number, flags, runs = struct.unpack_from("<IBH", commit, at)
            at += 7
            base = (number - 1) * 4096
            if flags & 1:
                self.image[base:base + 4096] = bytes(4096)
            for _ in range(runs):
                offset, length = struct.unpack_from("<HH", commit, at)
                at += 4
                check(offset + length + 1 <= 4096, "a run leads out of its page")
                self.image[base + offset:base + offset + length + 1] = commit[at:at + length + 1]
                at += length + 1
        check(at == len(commit), "bytes behind a commit")

    def database(self):
        image = bytearray(self.image)
        # A file that travels is no WAL file.
        image[18:20] = b"\1\1"
        connection = sqlite3.connect(":memory:")
        connection.deserialize(bytes(image))
        return connection


class Reader:
    """`folder`: of the archive; `master`: the node's master key. `took(reader, name, tenants)` is called behind each
    object, with the tenants that it changed. `manifest`: where it begins, the newest or which of them by number."""

    def __init__(self, folder, master, took=lambda reader, name, tenants: None, manifest=-1):
        self.folder, self.node, self.took = folder, Key(master), took
        self.master = master
        self.tenants, self.keys = {}, {}
        # Of each tenant what came so far: a copy that is told of later may end before it.
        self.records = {}
        self.chain = self.lsn = self.stream = self.link = None
        # Stretches of the log that the archive lacks: where the one before ended, and where it goes on.
        self.gaps = []
        # Up to when the last object has everything, and the last before each gap, in milliseconds.
        self.until, self.until_gaps = None, []
        self.taken = set()
        self.objects = 0
        self.begin(manifest)

    def bytes(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def names(self, prefix):
        found = []
        for place, _, names in os.walk(os.path.join(self.folder, prefix)):
            found += [os.path.relpath(os.path.join(place, name), self.folder) for name in names]
        return sorted(found)

    def begin(self, manifest):
        name = self.names("manifests")[manifest]
        body = self.bytes(name)
        check(body[:8] == b"TGARCH\r\n" and body[8] == 2, "no manifest of an archive", name)
        wrapped = struct.unpack_from(">q", body, 9)[0]
        front = body[:17 + wrapped]
        check(f"-{hashlib.sha256(front).digest()[:8].hex()}-" in name, "what stands in front of the manifest", name)
        manifest = json.loads(self.node.open(body[len(front):], name))
        # Where the log goes on; a stretch before it is what some tenants need.
        places = [manifest["log"]] + [tenant["since"] for tenant in manifest["tenants"]]
        self.first = min(places)
        self.log = self.first.rpartition("/")[0].rpartition("/")[0]
        for entry in manifest["tenants"]:
            self.take_snapshot(entry)

    def key(self, tenant):
        """Of a tenant that has its keys still; None of one that was erased."""
        name = str(uuid.UUID(bytes=tenant))
        if tenant not in self.keys:
            for known in self.names("keys"):
                if known.startswith(f"keys/{name}-"):
                    keys = self.node.open(self.bytes(known), known)
                    wrapped = keys[1:1 + keys[0]]
                    secret = AESGCM(self.master).decrypt(wrapped[:12], wrapped[12:], tenant)
                    self.keys[tenant] = Key(secret)
        return self.keys.get(tenant)

    def take_snapshot(self, entry):
        tenant = bytes.fromhex(entry["id"])
        key = self.key(tenant)
        if key is None:
            return
        known = self.tenants.get(tenant)
        if known and known.lsn >= entry["lsn"] and known.entry["incarnation"] == entry["incarnation"]:
            return
        index = json.loads(key.open(self.bytes(entry["index"]), entry["index"]))
        image = b""
        for number, piece in enumerate(index["pieces"]):
            check(piece.startswith(f"{entry['index'].rpartition('/')[0]}/pages/{number:08x}-"), "a piece's place",
                piece)
            image += key.open(self.bytes(piece), piece)
        check(len(image) == index["bytes"], "the length of a copy")
        # A copy ends with what signs it.
        self.tenants[tenant] = Tenant(entry, image[:len(image) // 4096 * 4096])
        for frame, payload in self.records.get(tenant, []):
            self.tenants[tenant].apply(frame, payload)

    def follow(self):
        """Takes what is new; how many objects that was."""
        count = 0
        for name in self.names(self.log):
            place = name.rpartition("-")[0]
            if place < self.first or name in self.taken:
                continue
            stream, _, number = place.rpartition("/")
            wanted = self.number + 1 if stream == self.stream else 1
            check(self.stream is None or int(number, 16) == wanted, "an object is there before the one before it", name)
            self.take(name, place, stream, int(number, 16))
            count += 1
        return count

    def take(self, name, place, stream, number):
        text = self.node.open(self.bytes(name), name)
        check(text[:4] == b"TGLO" and text[4] == 1, "no object of a log", name)
        own, before = struct.unpack_from("<Q", text, 8)[0], text[16:32]
        start, end, at = struct.unpack_from("<QQq", text, 48)
        frames, parts = struct.unpack_from("<II", text, 72)
        check(own == number, "its number", name)
        # A reader that begins within a stream knows nothing of what was before.
        if self.stream is not None or number == 1:
            check(before == (self.link if stream == self.stream else bytes(16)), "its link", name)
        heads = [Frame(text[80 + HEAD * i:80 + HEAD * (i + 1)]) for i in range(frames)]
        rest, payloads, snapshots = 80 + HEAD * frames, {}, []
        for _ in range(parts):
            kind, length, owner = text[rest], struct.unpack_from("<I", text, rest + 4)[0], text[rest + 8:rest + 24]
            body = text[rest + 24:rest + 24 + length]
            rest += 24 + length
            if kind == PAYLOADS:
                key = self.key(owner)
                if key:
                    payloads[owner] = key.open(body[16:], f"{place}/{uuid.UUID(bytes=owner)}-{body[:16].hex()}")
            elif kind == SNAPSHOT:
                snapshots.append(json.loads(body))
            elif kind == GAP:
                self.pass_over(start)
                self.until_gaps.append(self.until)
        check(rest == len(text), "bytes behind an object", name)
        changed = self.take_frames(name, heads, start, end, payloads)
        for entry in snapshots:
            self.take_snapshot(entry)
            changed.add(bytes.fromhex(entry["id"]))
        self.stream, self.number, self.link = stream, number, bytes.fromhex(name.rpartition("-")[2])
        self.until = at
        self.taken.add(name)
        self.objects += 1
        self.took(self, name, changed)

    def pass_over(self, start):
        """No copy from before goes on behind the gap: each tenant waits for one from behind it."""
        self.gaps.append((self.lsn, start))
        self.tenants, self.records = {}, {}
        self.chain = self.lsn = None

    def take_frames(self, name, heads, start, end, payloads):
        lsn, changed, offsets = start, set(), {}
        for frame in heads:
            # Behind a failed sync the log goes on further up, in another epoch.
            check(frame.start >= lsn, "frames do not follow each other", name)
            lsn = frame.end
            is_new = self.lsn is None or frame.start >= self.lsn
            if is_new:
                if self.chain is not None:
                    check(hashlib.sha256(self.chain + frame.link).digest() == frame.chain, "the chain", name)
                self.chain, self.lsn = frame.chain, frame.end
            if frame.kind not in (COMMIT, PART, OPENED) or frame.tenant not in payloads:
                continue
            offset = offsets.get(frame.tenant, 0)
            payload = payloads[frame.tenant][offset:offset + frame.length]
            offsets[frame.tenant] = offset + frame.length
            check(hashlib.sha256(payload).digest() == frame.digest, "a payload's digest", name)
            if is_new:
                self.records.setdefault(frame.tenant, []).append((frame, payload))
                if frame.tenant in self.tenants:
                    self.tenants[frame.tenant].apply(frame, payload)
                    changed.add(frame.tenant)
        check(lsn == end, "frames end elsewhere", name)
        check(all(offsets.get(tenant) == len(text) for tenant, text in payloads.items()), "payloads left over", name)
        return changed
