#!/bin/sh
# Writes HAProxy's map from where the tenants are: a line for each name and host, with its node. Needs curl, jq and socat.
# TOLLGATE: base URL of any node's provider API; TOLLGATE_KEY_FILE: a file with a provider key that may read.
set -eu
map=/etc/haproxy/placement.map
new=$(mktemp "$map.XXXXXX")
trap 'rm -f "$new"' EXIT
cursor=
while :; do
    page=$(curl --fail --silent --show-error --max-time 5 --header @- \
        "$TOLLGATE/provider/v1/placement?limit=100$cursor" <<END
Authorization: Bearer $(cat "$TOLLGATE_KEY_FILE")
END
    )
    printf '%s' "$page" | jq -r '.data[] | select(.node) | .node as $n | (.slug, .hosts[]) + " " + $n' >>"$new"
    [ "$(printf '%s' "$page" | jq -r .has_more)" = true ] || break
    cursor="&cursor=$(printf '%s' "$page" | jq -r .next_cursor)"
done
sort -o "$new" "$new"
cmp -s "$new" "$map" && exit 0
chmod 644 "$new"
mv "$new" "$map"
# A running HAProxy takes the new one over at once, as a whole.
version=$(printf 'prepare map %s\n' "$map" | socat - /run/haproxy/admin.sock | sed -n 's/^New version created: //p')
while read -r key node; do
    printf 'add map @%s %s %s %s\n' "$version" "$map" "$key" "$node" | socat - /run/haproxy/admin.sock >/dev/null
done <"$map"
printf 'commit map @%s %s\n' "$version" "$map" | socat - /run/haproxy/admin.sock >/dev/null
