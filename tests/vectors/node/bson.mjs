// BSON 1.1 (bsonspec.org): every type is read, and those that the protocol does not have become `Exotic`.
// Integers become BigInts, doubles Numbers, documents Maps: the same values as `readJson` gives.

import { NotDecodable } from './json.mjs';

export class Exotic {}

// A value that JSON has not, and that may stand for the envelope's `time` alone.
export class DateTime extends Exotic {
  constructor(milliseconds) {
    super();
    this.milliseconds = milliseconds;
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function readBson(bytes) {
  let at = 0;

  const take = (count) => {
    if (count < 0 || at + count > bytes.length) throw new NotDecodable('the document is cut short');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const int32 = () => take(4).readInt32LE();
  const text = (raw) => {
    try {
      return UTF8.decode(raw);
    } catch {
      throw new NotDecodable('text is not UTF-8');
    }
  };
  const untilZero = () => {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new NotDecodable('text without an end');
    const raw = take(end - at);
    take(1);
    return text(raw);
  };
  const string = () => {
    const raw = take(int32());
    if (raw.at(-1) !== 0) throw new NotDecodable('a string without an end');
    return text(raw.subarray(0, -1));
  };
  const boolean = () => {
    const [byte] = take(1);
    if (byte > 1) throw new NotDecodable('a boolean that is neither 0 nor 1');
    return byte === 1;
  };
  const exotic = (...parts) => {
    for (const part of parts) part();
    return new Exotic();
  };
  const fixed = (count) => () => take(count);
  const binary = () => {
    const length = int32();
    take(1);
    take(length);
  };
  const double = () => {
    const number = take(8).readDoubleLE();
    return Number.isFinite(number) ? number : new Exotic();
  };
  const codeWithScope = () => {
    const end = at + int32();
    string();
    document();
    if (at !== end) throw new NotDecodable('code that does not end where its length says');
  };

  const readers = {
    0x01: double,
    0x02: string,
    0x03: () => document(),
    0x04: () => [...document().values()],
    0x05: () => exotic(binary),
    0x06: () => exotic(),
    0x07: () => exotic(fixed(12)),
    0x08: boolean,
    0x09: () => new DateTime(take(8).readBigInt64LE()),
    0x0a: () => null,
    0x0b: () => exotic(untilZero, untilZero),
    0x0c: () => exotic(string, fixed(12)),
    0x0d: () => exotic(string),
    0x0e: () => exotic(string),
    0x0f: () => exotic(codeWithScope),
    0x10: () => BigInt(int32()),
    0x11: () => exotic(fixed(8)),
    0x12: () => take(8).readBigInt64LE(),
    0x13: () => exotic(fixed(16)),
    0xff: () => exotic(),
    0x7f: () => exotic(),
  };

  let depth = 0;

  function document() {
    depth += 1;
    if (depth > 1000) throw new NotDecodable('nested too deep to read');
    const end = at + int32();
    const found = new Map();
    for (let [type] = take(1); type !== 0; [type] = take(1)) {
      const key = untilZero();
      if (!(type in readers)) throw new NotDecodable(`no type ${type}`);
      found.set(key, readers[type]());
    }
    if (at !== end) throw new NotDecodable('a document does not end where its length says');
    depth -= 1;
    return found;
  }

  const found = document();
  if (at !== bytes.length) throw new NotDecodable('bytes follow the document');
  return found;
}
