// docs/protocol.md, "Keys": strict base64, one spelling of each key, fingerprints, signatures, challenges.

import { createHash, createPrivateKey, createPublicKey, sign as signWith, verify as verifyWith } from 'node:crypto';

export const ED25519 = 'ed25519-sha512';
export const RSA = 'rsa-sha256-oaepsha256-pkcs1';

const PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
// Without the highest bit of the last byte, which does not count.
const SMALL_ORDER = new Set([
  '01' + '00'.repeat(31),
  '00'.repeat(32),
  ...['ec', 'ed', 'ee'].map((first) => first + 'ff'.repeat(30) + '7f'),
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

// The bytes, or null for anything but their one spelling. Buffer.from skips what it does not know, so: compare.
export function decodeBase64(text) {
  const raw = Buffer.from(text, 'base64');
  return raw.toString('base64') === text ? raw : null;
}

// The bytes of a well-formed key, or null. Of a format that is not known, any bytes will do.
export function decodeKey({ key, format }) {
  const raw = decodeBase64(key);
  if (raw === null) return null;
  if (format === ED25519) return raw.length === 44 && raw.subarray(0, 12).equals(PREFIX) ? raw : null;
  if (format === RSA) return isRsaKey(raw) ? raw : null;
  return raw;
}

// The sizes that are allowed leave one form of DER: every length has two octets, or the modulus is too small.
function isRsaKey(raw) {
  const tail = Buffer.from('0203010001', 'hex');
  if (raw.length < 9 + tail.length || !raw.subarray(-tail.length).equals(tail)) return false;
  const isFramed = raw.readUInt16BE(0) === 0x3082 && raw.readUInt16BE(2) === raw.length - 4;
  if (!isFramed || raw.readUInt16BE(4) !== 0x0282 || raw.readUInt16BE(6) !== raw.length - 8 - tail.length) return false;
  const integer = raw.subarray(8, -tail.length);
  const isShortest = integer[0] === 0 ? integer[1] >= 0x80 : integer[0] < 0x80;
  const modulus = integer[0] === 0 ? integer.subarray(1) : integer;
  const bits = modulus.length * 8 - Math.clz32(modulus[0]) + 24;
  return isShortest && bits >= 2048 && bits <= 4096;
}

export function fingerprint({ key, format }) {
  const digest = createHash('sha256').update(format).update('\0').update(decodeBase64(key)).digest('hex');
  return `${format === ED25519 ? 'ed25519' : 'rsa'}:${digest}`;
}

// Whether the signature over the message was made with the key. False for a key that is not well-formed, too.
export function verify(publicKey, message, signature) {
  const raw = decodeKey(publicKey);
  if (raw === null || signature === null) return false;
  try {
    if (publicKey.format === ED25519) {
      if (isSmallOrder(raw.subarray(12))) return false; // OpenSSL does not mind
      return verifyWith(null, sha512(message), load(raw, 'spki'), signature);
    }
    return publicKey.format === RSA && verifyWith('sha256', message, load(raw, 'pkcs1'), signature);
  } catch {
    return false; // bytes that are no point of the curve
  }
}

function isSmallOrder(point) {
  const bare = Buffer.from(point);
  bare[31] &= 0x7f;
  return SMALL_ORDER.has(bare.toString('hex'));
}

function load(key, type) {
  return createPublicKey({ key, format: 'der', type });
}

function sha512(message) {
  return createHash('sha512').update(message).digest();
}

export function sign(pem, message) {
  const key = createPrivateKey(pem);
  return key.asymmetricKeyType === 'ed25519' ? signWith(null, sha512(message), key) : signWith('sha256', message, key);
}

// The public half of a private key, as it travels.
export function publicOf(pem) {
  const key = createPublicKey(createPrivateKey(pem));
  const [format, type] = key.asymmetricKeyType === 'ed25519' ? [ED25519, 'spki'] : [RSA, 'pkcs1'];
  return { key: key.export({ format: 'der', type }).toString('base64'), format };
}

// The bytes that a server signs for a challenge, or null when it must not.
export function decodeChallenge(text) {
  const raw = decodeBase64(text);
  if (raw === null || raw.length < 16 || raw.length > 128) return null;
  return raw.length === 44 && raw.subarray(0, 12).equals(PREFIX) ? null : raw;
}
