// Strict JSON (RFC 8259), which tells 2 from 2.0: an integer becomes a BigInt, any other number a Number.
// JSON.parse cannot, and takes half a pair of surrogates.

export class NotDecodable extends Error {}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = new Map([['true', true], ['false', false], ['null', null]]);

// Objects become Maps, so that a key like __proto__ is a key like any other. The last of duplicate keys wins.
export function readJson(text) {
  let at = 0;

  const take = (pattern, what) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) throw new NotDecodable(`expected ${what} at ${at}`);
    at = pattern.lastIndex;
    return found[0];
  };
  const isNext = (character) => {
    take(SPACE);
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  const need = (character) => {
    if (!isNext(character)) throw new NotDecodable(`expected ${character} at ${at}`);
  };

  const readString = () => {
    take(SPACE);
    const string = JSON.parse(take(STRING, 'a string'));
    if (/\p{Cs}/u.test(string)) throw new NotDecodable('half a pair of surrogates');
    return string;
  };
  const readNumber = () => {
    const number = take(NUMBER, 'a value');
    return /^-?[0-9]+$/.test(number) ? BigInt(number) : Number(number);
  };
  const readItems = (end, readItem) => {
    if (isNext(end)) return;
    do readItem(); while (isNext(','));
    need(end);
  };
  const readValue = (depth) => {
    if (depth > 1000) throw new NotDecodable('nested too deep to read');
    take(SPACE);
    if (isNext('{')) {
      const object = new Map();
      readItems('}', () => {
        const key = readString();
        need(':');
        object.set(key, readValue(depth + 1));
      });
      return object;
    }
    if (isNext('[')) {
      const list = [];
      readItems(']', () => list.push(readValue(depth + 1)));
      return list;
    }
    if (text[at] === '"') return readString();
    for (const [word, value] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    return readNumber();
  };

  const value = readValue(1);
  take(SPACE);
  if (at !== text.length) throw new NotDecodable(`text follows the value at ${at}`);
  return value;
}
