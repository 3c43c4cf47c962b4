// docs/protocol.md, "Negotiation". An app is a Map, as everything that was decoded.

export function negotiate(server, client) {
  const theirs = new Set(client.get('capabilities'));
  const capabilities = [...new Set(server.get('capabilities'))].filter((one) => theirs.has(one));
  const extensions = new Map();
  for (const [name, versions] of server.get('extensions')) {
    const shared = versions.filter((one) => (client.get('extensions').get(name) ?? []).includes(one));
    if (shared.length > 0) extensions.set(name, [shared.reduce((one, other) => (one > other ? one : other))]);
  }
  return new Map([...server, ['capabilities', capabilities.sort(byCodePoint)], ['extensions', extensions]]);
}

// JavaScript's own order is that of UTF-16 units. That of UTF-8 is that of code points.
function byCodePoint(one, other) {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
