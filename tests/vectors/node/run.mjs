// Runs every vector of the set against the small implementation that lies beside this file: a demonstration that the
// protocol can be written from docs/protocol.md alone, with nothing but Node's own modules.
//
//     node tests/vectors/node/run.mjs [FOLDER]
//
// Prints each failure as `FILE ID: what differs`, a line a file, and a summary. Exit status 0 when everything passed,
// 1 when something failed or was left out.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { Client } from './client.mjs';
import { decode } from './envelope.mjs';
import { readJson } from './json.mjs';
import { decodeChallenge, decodeKey, fingerprint, sign, verify } from './keys.mjs';
import { isName } from './names.mjs';
import { negotiate } from './negotiate.mjs';
import { Session } from './session.mjs';

const folder = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));

// What JSON.parse gave, as our own reader gives it: objects are Maps, integers BigInts.
const decoded = (value) => readJson(JSON.stringify(value));
const bytes = (base64) => Buffer.from(base64, 'base64');
const payloadOf = (encoding, payload) => (encoding === 'bson' ? bytes(payload) : payload);
const without = (map, key) => new Map([...map].filter(([name]) => name !== key));
const serverOf = ({ private_key: privateKey, app, info }) => ({ privateKey, app: decoded(app), info: decoded(info) });

// One check a file: it throws when a vector does not hold. `content` is the whole file.
const CHECKS = {
  'keys.json': (vector) => {
    assert.equal(decodeKey(vector) !== null, vector.valid);
    if ('fingerprint' in vector) assert.equal(fingerprint(vector), vector.fingerprint);
  },

  'signatures.json': ({ key, message, signature, valid }) => {
    assert.equal(verify(key, bytes(message), bytes(signature)), valid);
  },

  'challenges.json': ({ challenge, acceptable }) => {
    assert.equal(decodeChallenge(challenge) !== null, acceptable);
  },

  'names.json': ({ name, acceptable }) => {
    assert.equal(isName(name), acceptable);
  },

  'envelopes.json': ({ encoding, payload, expected, also_right: others = [] }) => {
    const found = decode(encoding, payloadOf(encoding, payload));
    if (!others.some((other) => isOutcome(found, other))) assertOutcome(found, expected);
  },

  'negotiation.json': ({ server, client, agreed }) => {
    assert.deepEqual(negotiate(decoded(server), decoded(client)), decoded(agreed));
  },

  'conversations.json': ({ encoding, server, steps }, { limits }) => {
    const session = new Session(encoding, serverOf(server), limits);
    let now = 0;
    for (let at = 0; at < steps.length; at += 2) {
      const [request, reply] = steps.slice(at, at + 2);
      for (const { payload, message } of [request, reply]) {
        assertOutcome(decode(encoding, payloadOf(encoding, payload)), { outcome: 'valid', message: withPatches(message) });
      }
      checkSignature(request, server);
      const given = session.receive(payloadOf(encoding, request.payload), (now += 0.75), request.verdict);
      assert.deepEqual(given, { reply: without(decoded(reply.message), 'time'), close: null });
      assert.equal(session.state, reply.state);
    }
  },

  'clients.json': ({ encoding, expected_key: expectedKey, steps }, { client, nonce }) => {
    const played = new Client(encoding, { nonce: bytes(nonce), privateKey: client.private_key, expectedKey });
    for (const { receive, ...outcome } of steps) {
      assert.deepEqual(played.receive(receive.text ?? bytes(receive.binary)), outcome);
    }
  },

  'sessions.json': ({ encoding, steps }, { server, limits }) => {
    const session = new Session(encoding, serverOf(server), limits);
    for (const { also_right: others = [], ...step } of steps) {
      for (let time = 0; time < (step.repeat ?? 1); time += 1) {
        const { reply, close } = play(session, step);
        const told = reply && Object.fromEntries(['name', 'conversation', 'status'].map((key) => [key, reply.get(key)]));
        const found = { reply: told, close, state: session.state };
        if (!others.some((other) => isDone(found, other))) assertDone(found, step);
      }
    }
  },
};

function play(session, { at, receive, pad_to: size = 0, verdict }) {
  if (receive === undefined) return session.wait(at);
  if ('binary' in receive) return session.receive(bytes(receive.binary), at, verdict);
  const { text } = receive;
  return session.receive(text + ' '.repeat(Math.max(0, size - Buffer.byteLength(text))), at, verdict);
}

// A right proof can be made anew with the user's private key: signatures of both formats are deterministic.
function checkSignature({ message, private_key: privateKey, verdict }, server) {
  if (verdict === undefined) return;
  const proof = sign(privateKey, decodeKey(server.info.pubkey)).toString('base64');
  assert.equal(proof, message.data.challenge);
}

// What a server did with one step, against what it is to do.
function assertDone(found, { reply, close, state }) {
  assert.deepEqual(found, { reply: reply && { ...reply, conversation: BigInt(reply.conversation) }, close, state });
}

const isOutcome = holds(assertOutcome);
const isDone = holds(assertDone);

function holds(assertion) {
  return (...values) => {
    try {
      assertion(...values);
    } catch {
      return false;
    }
    return true;
  };
}

// A key of the message that the vector leaves out is not compared.
function assertOutcome(found, expected) {
  const { message, ...rest } = found;
  const { message: meant, ...head } = expected;
  assert.deepEqual(rest, 'conversation' in head ? { ...head, conversation: BigInt(head.conversation) } : head);
  if (meant === undefined) return;
  const wanted = decoded(meant);
  assert.deepEqual(new Map([...message].filter(([key]) => wanted.has(key))), wanted);
}

// An absent patch means 0.
function withPatches(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withPatches(item)]));
  return 'major' in inner && 'minor' in inner ? { patch: 0, ...inner } : inner;
}

function read(file) {
  const raw = readFileSync(`${folder}/${file}`);
  return { ...JSON.parse(raw), sha256: createHash('sha256').update(raw).digest('hex') };
}

function firstLines(error) {
  return error.message.split('\n').slice(0, 12).join('\n    ');
}

let [passed, failed] = [0, 0];

function attempt(what, check) {
  try {
    check();
  } catch (error) {
    failed += 1;
    console.error(`${what}: ${firstLines(error)}`);
    return;
  }
  passed += 1;
}

const index = read('index.json');
const { limits } = read('sessions.json');
for (const { file, vectors: count, sha256 } of index.files) {
  const content = read(file);
  const before = [passed, failed];
  for (const vector of content.vectors) {
    attempt(`${file} ${vector.id}`, () => CHECKS[file](vector, { limits, ...content }));
  }
  console.log(`${file}: ${passed - before[0]} of ${count} passed`);
  // What is not there cannot fail: so the count and the digest are looked at, too.
  if (content.vectors.length !== count || content.sha256 !== sha256) {
    failed += 1;
    console.error(`${file}: not the file that the index describes`);
  }
}
const missed = Object.keys(CHECKS).filter((file) => !index.files.some((entry) => entry.file === file));
for (const file of missed) {
  failed += 1;
  console.error(`${file}: not in the index`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
