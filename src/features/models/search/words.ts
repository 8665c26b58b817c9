/** Tokens of a text beyond these are not searched. */
const MAX_TEXT = 20_000

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
const ASCII = /^[\x00-\x7f]*$/

const symbolNames: Record<string, string> = { 'c++': 'cpp', 'c#': 'csharp', '.net': 'dotnet' }
const britishEndings: [RegExp, string][] = [
  [/ogue(s?)$/, 'og$1'],
  [/our(s|ed|ing|ite)?$/, 'or$1'],
  [/licence/, 'license'],
  [/^centre/, 'center'],
  [/ll(ed|ing|er)$/, 'l$1'],
]

/** Lower case, without accents. */
function fold(text: string): string {
  const lower = text.slice(0, MAX_TEXT).toLowerCase()
  if (ASCII.test(lower)) return lower
  return lower
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replaceAll('ß', 'ss')
}

/** `3.3`, `8b` and `qwen2.5` are one token; `128,000` is 128000, and `128 k` is 128k. */
export function tokensOf(text: string): string[] {
  const folded = fold(text)
  const named = /c\+\+|c#|\.net/.test(folded)
    ? folded.replace(/(?<![a-z])(?:c\+\+|c#|\.net)(?![a-z])/g, (name) => symbolNames[name] ?? name)
    : folded
  const plain = /\d(?:[,']\d| k)/.test(named)
    ? named.replace(/(?<=\d)[,'](?=\d{3}(?!\d))/g, '').replace(/(?<=\d) (?=k(?![\p{L}\p{N}]))/gu, '')
    : named
  return plain.match(ASCII.test(plain) ? /[a-z0-9]+(?:\.[0-9]+)*/g : /[\p{L}\p{N}]+(?:\.\p{N}+)*/gu) ?? []
}

/** `qwen2.5` is `qwen` and 2.5, `v3` is 3; undefined for `8b`, `m3` and plain words. */
export function versionIn(token: string): { word: string; version: string } | undefined {
  const [, word = '', version] = /^(v|\p{L}{3,}|)(\d+(?:\.\d+)*)$/u.exec(token) ?? []
  return version === undefined ? undefined : { word: word === 'v' ? '' : word, version }
}

/** The least length of what remains, and the endings of English and German words, the longest first. */
const endings: [remaining: number, endings: string[]][] = [
  [
    3,
    [
      ...['isations', 'izations', 'isation', 'ization', 'ising', 'izing', 'ises', 'izes', 'ised', 'ized', 'ise', 'ize'],
      ...['ative', 'ators', 'ator', 'ations', 'ation', 'ates', 'ated', 'ating', 'ate'],
      ...['yses', 'ysis', 'yse', 'yze', 'ysing', 'yzing', 'yzer', 'yser'],
      ...['ings', 'ing', 'ers', 'er', 'ies', 'es', 's', 'y', 'e'],
    ],
  ],
  [4, ['ungen', 'ung', 'ions', 'ion', 'ied', 'ed', 'en']],
]
const allEndings = endings
  .flatMap(([remaining, list]) => list.map((ending) => ({ ending, remaining })))
  .sort((a, b) => b.ending.length - a.ending.length)

/** `summaries`, `summary`, `summarise` and `summarization` have the same stem. */
export function stemOf(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word
  const american = britishEndings.reduce((spelled, [british, spelling]) => spelled.replace(british, spelling), word)
  const found = allEndings.find(
    ({ ending, remaining }) => american.endsWith(ending) && american.length - ending.length >= remaining,
  )
  const stem = found ? american.slice(0, -found.ending.length) : american
  return stem.length > 3 ? stem.replace(/([bdfgmnprt])\1$/, '$1') : stem
}

export const stemsOf = (text: string): string => tokensOf(text).map(stemOf).join(' ')

const words = (text: string) => new Set(text.split(/\s+/))

/** Words that say nothing about a model. They count only as part of a phrase or name. */
export const stopWords = words(
  `a an and any are as at be best better but by can could do does for from give good great has have help how i in into is
  it its like looking me model models most my need needs of on one or our over please recommend s should show some
  something speaking suitable supports supporting that the their them there these they this those to under us use used using
  want we what when where which will with within work works would you your
  ai api find get run understand understands understanding handle handles able
  aber als am auf aus bei das dass dem den der des die ein eine einem einen einer eines er es fur geht gibt gut guter gutes
  hat ich im ist kann ki man mein mich mir mit modell modelle nach oder sie sind uber und uns unser vom von welche welcher
  welches wie wir zu zum zur brauche suche`,
)

/** Words that a model may be ranked by, but that it need not have. */
export const weakWords = words(
  `content context contexts data dokument dokumente document documents file files input inputs kontext language languages
  long output outputs page pages parameter parameters question questions sprache sprachen task tasks text texts texte
  token tokens window version size`,
)
