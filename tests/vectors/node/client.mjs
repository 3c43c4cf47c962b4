// docs/protocol.md, "What a client checks before it proves anything": a client's side of one connection, without a
// socket or clock. It goes on by itself: `connect` when the server has proved itself, `disconnect` when it is connected.

import { decode } from './envelope.mjs';
import { decodeBase64, decodeKey, publicOf, sign, verify } from './keys.mjs';

export class Client {
  #encoding;
  #nonce;
  #privateKey;
  #expectedKey;
  #serverKey = null;
  #asked = { name: 'challenge', conversation: 0n };

  // It has sent `challenge` with the nonce (bytes) in conversation 0. Without an `expectedKey` any will do.
  constructor(encoding, { nonce, privateKey, expectedKey = null }) {
    this.#encoding = encoding;
    this.#nonce = nonce;
    this.#privateKey = privateKey;
    this.#expectedKey = expectedKey;
  }

  // What a message of the server's leads to: {does, …}, as in clients.json.
  receive(payload) {
    if ((typeof payload === 'string') !== (this.#encoding === 'json')) return close(1003);
    const { outcome, message } = decode(this.#encoding, payload);
    if (outcome === 'undecodable') return close(1007);
    if (outcome !== 'valid' || message.get('type') !== 'reply') return { does: 'ignore' };
    const { name, conversation } = this.#asked;
    if (message.get('name') !== name || message.get('conversation') !== conversation) return close(1008);
    const [isSuccess, data] = [message.get('status') === 'success', message.get('data')];
    switch (name) {
      case 'challenge':
        return isSuccess ? this.#check(data) : close(1008);
      case 'connect':
        return isSuccess ? this.#welcome(data) : { does: 'refused' };
      default:
        return isSuccess || message.get('status') === 'not_connected' ? { does: 'done' } : close(1008);
    }
  }

  #check(data) {
    const key = Object.fromEntries(data.get('pubkey'));
    const isProved = verify(key, this.#nonce, decodeBase64(data.get('challenge_response')));
    const isExpected = this.#expectedKey === null || isSame(key, this.#expectedKey);
    if (!isProved || !isExpected || isSame(key, publicOf(this.#privateKey))) return close(1008);
    this.#serverKey = key;
    this.#asked = { name: 'connect', conversation: 2n };
    return { does: 'connect', proof: sign(this.#privateKey, decodeKey(key)).toString('base64') };
  }

  #welcome(data) {
    const key = Object.fromEntries(data.get('server_identity').get('pubkey'));
    if (!isSame(key, this.#serverKey)) return close(1008);
    this.#asked = { name: 'disconnect', conversation: 4n };
    return { does: 'disconnect' };
  }
}

function isSame(one, other) {
  return one.key === other.key && one.format === other.format;
}

function close(code) {
  return { does: 'close', close: code };
}
