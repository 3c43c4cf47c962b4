// docs/protocol.md, "Envelope" and "Structures": what a payload means, or what is wrong with it.

import { DateTime, Exotic, readBson } from './bson.mjs';
import { NotDecodable, readJson } from './json.mjs';
import { decodeKey } from './keys.mjs';
import { countCharacters, isName } from './names.mjs';

// A rule gives what a value means, or throws `Wrong`.
class Wrong extends Error {}

function check(holds, what) {
  if (!holds) throw new Wrong(what);
}

const text = (low, high) => (value) => {
  check(typeof value === 'string', 'no string');
  const length = countCharacters(value);
  check(length >= low && length <= high, 'a string of the wrong length');
  return value;
};
const integer = (low, high) => (value) => {
  check(typeof value === 'bigint' && value >= low && value <= high, 'no integer, or out of range');
  return value;
};
const oneOf = (...words) => (value) => {
  check(words.includes(value), `none of ${words}`);
  return value;
};
const list = (most, item) => (value) => {
  check(Array.isArray(value) && value.length <= most, 'no list, or too long');
  return value.map(item);
};
const dictionary = (most, key, item) => (value) => {
  check(value instanceof Map && value.size <= most, 'no object, or too large');
  return new Map([...value].map(([name, inner]) => [key(name), item(inner)]));
};
const optional = (rule, absent) => Object.assign((value) => rule(value), { isOptional: true, absent });
// Unknown keys are ignored, and a null is an absent key.
const structure = (rules, also = () => true) => (value) => {
  check(value instanceof Map, 'no object');
  const meant = new Map();
  for (const [name, rule] of Object.entries(rules)) {
    const given = value.get(name) ?? (rule.isOptional ? rule.absent : undefined);
    check(given !== undefined || rule.isOptional, `no ${name}`);
    if (given !== undefined) meant.set(name, rule(given));
  }
  check(also(meant), 'not well-formed');
  return meant;
};

const label = text(1, 64);
const sentence = text(0, 512);
const count = integer(0n, 2n ** 31n - 1n);
const conversationId = integer(0n, 2n ** 32n - 1n);
const anything = structure({});

const publicKey = structure(
  { key: text(1, 1024), format: label },
  (meant) => decodeKey(Object.fromEntries(meant)) !== null,
);
const softwareVersion = structure({
  type: oneOf('release', 'beta', 'alpha', 'dev'),
  major: count,
  minor: count,
  patch: optional(count, 0n),
  vcs_id: optional(text(0, 128)),
  display: optional(text(0, 128)),
});
const appInfo = structure({
  name: label,
  description: optional(sentence),
  version: softwareVersion,
  capabilities: list(64, label),
  extensions: dictionary(64, label, list(16, count)),
});
const userIdentity = structure(
  {
    name: label,
    type: oneOf('user', 'bot', 'log_relay'),
    pubkey: publicKey,
    home_server: publicKey,
    home_server_url: optional(text(1, 2048)),
  },
  (meant) => isName(meant.get('name')),
);
const serverInfo = structure({
  pubkey: publicKey,
  url: text(1, 2048),
  name: label,
  description: optional(sentence),
});

const REQUESTS = new Map([
  ['challenge', structure({ challenge: text(0, 16384) })],
  ['connect', structure({
    client_app: appInfo,
    user: userIdentity,
    challenge: text(0, 1024),
    join_token: optional(text(0, 256)),
  })],
  ['disconnect', structure({ reason: optional(sentence) })],
]);
const REPLIES = new Map([
  ['challenge', structure({ pubkey: publicKey, challenge_response: text(0, 1024) })],
  ['connect', structure({ server_app: appInfo, server_identity: serverInfo })],
]);
const refusal = structure({
  disallowed_client_reason: optional(sentence),
  disallowed_user_reason: optional(sentence),
});

const TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,32}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

const YEAR_1 = Date.parse('0001-01-01T00:00:00Z');
const YEAR_10000 = Date.parse('+010000-01-01T00:00:00Z');

// The time in UTC with six digits of a second. It is cut after them, where others may round: nobody compares that.
function time(value) {
  if (value instanceof DateTime) {
    const milliseconds = Number(value.milliseconds);
    check(milliseconds >= YEAR_1 && milliseconds < YEAR_10000, 'a year before 1 or after 9999');
    return new Date(milliseconds).toISOString().replace('Z', '000Z');
  }
  check(typeof value === 'string', 'no string');
  const found = TIME.exec(value);
  check(found !== null, 'no RFC 3339 date-time with an offset');
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const [fraction, sign, hours, minutes] = [found[7] ?? '', found[8], Number(found[9] ?? 0), Number(found[10] ?? 0)];
  const isLeap = minute === 59 && second === 60; // taken as the second before
  check(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month), 'no such day');
  check(hour < 24 && minute < 60 && (second < 60 || isLeap) && hours < 24 && minutes < 60, 'no such time of day');
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  moment.setUTCHours(hour, minute, isLeap ? 59 : second);
  moment.setTime(moment.getTime() - (sign === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000);
  return moment.toISOString().replace(/\.\d+Z$/, `.${fraction.slice(0, 6).padEnd(6, '0')}Z`);
}

function daysOf(year, month) {
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, isLeapYear ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
}

// What a payload is: {outcome: 'valid', message} | {outcome: 'bad_request', name, conversation} | {outcome: 'undecodable'}
export function decode(encoding, payload) {
  let plain;
  try {
    plain = encoding === 'bson' ? readBson(payload) : readJson(payload);
    if (isTooDeep(plain)) throw new NotDecodable('nested more than 32 deep');
  } catch (error) {
    if (!(error instanceof NotDecodable)) throw error;
    return { outcome: 'undecodable' };
  }
  try {
    return { outcome: 'valid', message: parse(plain) };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return salvage(plain);
  }
}

function isTooDeep(plain) {
  let level = [plain];
  for (let depth = 0; depth <= 32; depth += 1) {
    level = level.filter((one) => one instanceof Map || Array.isArray(one)).flatMap((one) => [...one.values()]);
  }
  return level.length > 0;
}

function parse(plain) {
  check(plain instanceof Map, 'no object');
  for (const [key, value] of plain) {
    check(!hasExotic(value) || (key === 'time' && value instanceof DateTime), 'a type that the protocol has not');
  }
  const type = oneOf('message', 'request', 'reply')(plain.get('type'));
  const head = { time, type: label, name: label, data: anything };
  if (type === 'message') return structure(head)(plain);
  const more = type === 'reply' ? { status: label } : {};
  const message = structure({ ...head, conversation: conversationId, ...more })(plain);
  const name = message.get('name');
  check(type === 'reply' || message.get('conversation') % 2n === 0n, 'an odd id');
  let rules = type === 'request' ? REQUESTS.get(name) : REPLIES.get(name);
  if (type === 'reply' && message.get('status') !== 'success') rules = refusal;
  return message.set('data', (rules ?? anything)(plain.get('data')));
}

function hasExotic(value) {
  if (value instanceof Map || Array.isArray(value)) return [...value.values()].some(hasExotic);
  return value instanceof Exotic;
}

// As much of a bad request as an answer needs, when it can be answered.
function salvage(plain) {
  if (!(plain instanceof Map) || plain.get('type') !== 'request') return { outcome: 'undecodable' };
  try {
    const conversation = conversationId(plain.get('conversation'));
    return { outcome: 'bad_request', name: nameOf(plain), conversation };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { outcome: 'undecodable' };
  }
}

function nameOf(plain) {
  try {
    return label(plain.get('name'));
  } catch {
    return null;
  }
}
