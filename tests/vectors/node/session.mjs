// docs/protocol.md, "States" and "Budgets and deadlines": a server's side of one connection, without a socket or clock.

import { decode } from './envelope.mjs';
import { decodeBase64, decodeChallenge, decodeKey, ED25519, publicOf, RSA, sign, verify } from './keys.mjs';
import { negotiate } from './negotiate.mjs';

const SUCCESS = { status: 'success' };

export class Session {
  state = 'OPEN';
  #encoding;
  #server;
  #limits;
  #deadline;
  #messagesLeft;
  #challengesLeft;
  #tokens;
  #tokensAt = 0;

  // `server` is {privateKey, app, info}, the last two decoded. Time is in seconds after the 101.
  constructor(encoding, server, limits) {
    this.#encoding = encoding;
    this.#server = { ...server, pubkey: publicOf(server.privateKey) };
    this.#limits = limits;
    this.#deadline = limits.auth_timeout_s;
    this.#messagesLeft = limits.messages_before_auth;
    this.#challengesLeft = limits.challenges;
    this.#tokens = limits.messages_burst;
  }

  // Time has passed. Everything gives {reply, close}: a message or null, a code or null.
  wait(now) {
    return this.#isLate(now) ? this.#close(1008) : this.#ignore();
  }

  // A message has come, text or bytes. `verdict` is what the access rules would say: {status, reason?}.
  receive(payload, now, verdict = SUCCESS) {
    if (this.state === 'CLOSED') return this.#ignore();
    if (this.#isLate(now) || !this.#spend(now)) return this.#close(1008);
    const isConnected = this.state === 'CONNECTED';
    const most = this.#limits[isConnected ? 'max_message_bytes' : 'max_message_bytes_before_auth'];
    if (Buffer.byteLength(payload) > most) return this.#close(1009);
    if ((typeof payload === 'string') !== (this.#encoding === 'json')) return this.#close(1003);
    const envelope = decode(this.#encoding, payload);
    if (envelope.outcome === 'undecodable') return this.#close(1007);
    if (envelope.outcome === 'bad_request') return this.#refuseBad(envelope);
    return this.#act(envelope.message, verdict, now);
  }

  #isLate(now) {
    return this.#deadline !== null && now >= this.#deadline;
  }

  #spend(now) {
    if (this.state !== 'CONNECTED') {
      this.#messagesLeft -= 1;
      return this.#messagesLeft >= 0;
    }
    const earned = (now - this.#tokensAt) * this.#limits.messages_per_s;
    this.#tokens = Math.min(this.#limits.messages_burst, this.#tokens + earned);
    this.#tokensAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  // Whether a good request of this name would get a reply in this state.
  #answers(name) {
    if (name === 'challenge' || name === 'connect' || this.state === 'CONNECTED') return true;
    return name === 'disconnect' && this.state === 'DISCONNECTED';
  }

  #refuseBad({ name, conversation }) {
    if (!this.#answers(name)) return this.#close(1008);
    return this.#reply({ name: name ?? '', conversation }, 'invalid_message');
  }

  #act(message, verdict, now) {
    const request = { name: message.get('name'), conversation: message.get('conversation') };
    if (message.get('type') !== 'request') return this.state === 'CONNECTED' ? this.#ignore() : this.#close(1008);
    if (!this.#answers(request.name)) return this.#close(1008);
    const data = message.get('data');
    switch (request.name) {
      case 'challenge':
        return this.#challenge(request, data);
      case 'connect':
        return this.#connect(request, data, verdict);
      case 'disconnect':
        return this.#disconnect(request, now);
      default:
        return this.#reply(request, 'invalid_message');
    }
  }

  #challenge(request, data) {
    if (this.#challengesLeft === 0) return this.#close(1008);
    this.#challengesLeft -= 1;
    const nonce = decodeChallenge(data.get('challenge'));
    if (nonce === null) return this.#reply(request, 'invalid_challenge');
    if (this.state === 'OPEN') this.state = 'CHALLENGED';
    const { privateKey, pubkey } = this.#server;
    return this.#reply(request, 'success', [
      ['pubkey', new Map(Object.entries(pubkey))],
      ['challenge_response', sign(privateKey, nonce).toString('base64')],
    ]);
  }

  #connect(request, data, verdict) {
    const { status, reason } = this.#check(data, verdict);
    if (status !== 'success') {
      return this.#reply(request, status, reason === undefined ? [] : [[`${status}_reason`, reason]]);
    }
    this.state = 'CONNECTED';
    this.#deadline = null;
    return this.#reply(request, status, [
      ['server_app', negotiate(this.#server.app, data.get('client_app'))],
      ['server_identity', this.#server.info],
    ]);
  }

  // In the order of docs/protocol.md, "connect". The first check, of names and keys, was made in decoding.
  #check(data, verdict) {
    if (this.state === 'CONNECTED') return { status: 'already_connected' };
    if (this.state === 'OPEN') return { status: 'invalid_challenge' };
    const user = Object.fromEntries(data.get('user').get('pubkey'));
    const { pubkey } = this.#server;
    if (![ED25519, RSA].includes(user.format)) return { status: 'disallowed_user' };
    if (user.key === pubkey.key && user.format === pubkey.format) return { status: 'disallowed_user' };
    const isProved = verify(user, decodeKey(pubkey), decodeBase64(data.get('challenge')));
    return isProved ? verdict : { status: 'invalid_challenge' };
  }

  #disconnect(request, now) {
    if (this.state === 'DISCONNECTED') return this.#reply(request, 'not_connected');
    this.state = 'DISCONNECTED';
    this.#deadline = now + this.#limits.auth_timeout_s;
    this.#messagesLeft = this.#limits.messages_before_auth;
    return this.#reply(request, 'success');
  }

  #reply({ name, conversation }, status, data = []) {
    const fields = Object.entries({ type: 'reply', name, conversation, status, data: new Map(data) });
    return { reply: new Map(fields), close: null };
  }

  #close(code) {
    this.state = 'CLOSED';
    return { reply: null, close: code };
  }

  #ignore() {
    return { reply: null, close: null };
  }
}
