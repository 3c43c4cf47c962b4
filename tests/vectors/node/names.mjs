// docs/protocol.md, "User names". Lengths count code points, as everywhere.

export function countCharacters(text) {
  return [...text].length;
}

export function isName(name) {
  const length = countCharacters(name);
  return (
    length >= 1 &&
    length <= 64 &&
    name.normalize('NFC') === name &&
    !/[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u.test(name) &&
    !/^\p{Zs}|\p{Zs}$/u.test(name) &&
    /[\p{L}\p{N}]/u.test(name) &&
    !/\p{M}{3}/u.test(name)
  );
}
