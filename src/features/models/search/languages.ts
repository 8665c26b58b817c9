import { LRUCache } from 'lru-cache'

/** Languages whose names a search recognises even if no model states them: ISO 639-1. */
const commonLanguages =
  `ar bg bn ca cs cy da de el en es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lt
  lv mk ml mn mr ms mt my nb ne nl no pa pl ps pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi yo zh zu`.split(
    /\s+/,
  )

/** People also search in these languages. */
const nameLanguages = ['en', 'de', 'fr', 'es']

const englishNames = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' })

/** `German` for `de`; the code itself if it has no name. */
export function languageName(code: string): string {
  return nameIn(englishNames, code) ?? code
}

/** `pt` for `pt-BR`. */
export function primaryLanguage(code: string): string {
  return code.split('-')[0]?.toLowerCase() ?? ''
}

const MAX_REMEMBERED = 1000
const remembered = new LRUCache<string, string[]>({ max: MAX_REMEMBERED })

/** Its name in English and in the language itself. */
export function languageNames(code: string): string[] {
  const known = remembered.get(code)
  if (known) return known
  const names = [...new Set([languageName(code), nameIn(namesIn(code), code) ?? ''])].filter(Boolean)
  remembered.set(code, names)
  return names
}

/** The names of each language in several languages, by its code in lower case. */
export function searchedLanguages(stated: Iterable<string>): Map<string, string[]> {
  const displays = nameLanguages.map(namesIn)
  const codes = new Set([...commonLanguages, ...stated])
  return new Map(
    [...codes].map((code) => [
      code.toLowerCase(),
      [...new Set([...languageNames(code), ...displays.flatMap((display) => nameIn(display, code) ?? [])])],
    ]),
  )
}

function namesIn(language: string): Intl.DisplayNames | undefined {
  try {
    return new Intl.DisplayNames([language], { type: 'language', fallback: 'none' })
  } catch {
    return undefined
  }
}

function nameIn(display: Intl.DisplayNames | undefined, code: string): string | undefined {
  try {
    return display?.of(code)
  } catch {
    return undefined
  }
}
