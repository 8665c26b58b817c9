/** A path of an API document with each placeholder as `{name}`. */
export interface PathTemplate {
  path: string
  /** placeholders whose value may contain slashes: `{model:path}` of FastAPI, `{+name}` of RFC 6570 */
  wide: string[]
  /** optional placeholders, together with their slash: `{version?}` */
  optional: string[]
}

/**
 * `{name}`, `{{name}}`, `${name}`, `{+name}`, `{*name}`; optionally with a type or a pattern (`:path`, `:[0-9]+`) and a modifier (`*`, `+`,
 * `?`).
 */
const BRACES = /\$?\{{1,2}([+#]?)(\*{0,2}[\w.-]+)(?::([^{}/]*))?([*+?]?)\}{1,2}/g
/** `{name=models/*}` of google.api.http: the caller replaces the asterisk; two of them may contain slashes. */
const SEGMENTS = /\{([\w.-]+)=([^{}]+)\}/g
/** `<name>`, `<int:name>` (Flask, Django) */
const ANGLES = /<(?:(\w+):)?([\w.-]+)>/g
/** `:name`, `:name?`, `[name]` and `[...name]` as whole segments (Express, Next.js) */
const SEGMENT = /^(?::([A-Za-z_]\w*)([*+?]?)|\[{1,2}(\.{3})?([A-Za-z_]\w*)\]{1,2})$/
/** an optional part of several segments: `[/versions/{v}]` (Triton) */
const OPTIONAL_PART = /\[\/[^[\]]+\]/g
/** a query in a template: `{?limit,page}` (RFC 6570) */
const QUERY = /\{[?&][^{}]*\}/g

/**
 * Parses the placeholders of a path in the syntax of common frameworks; OpenAPI itself has `{name}` only. Linear in the length of
 * the path.
 */
export function parsePathTemplate(written: string): PathTemplate {
  const wide: string[] = []
  const optional: string[] = []
  const placeholder = (name: string, isWide: boolean, isOptional: boolean) => {
    if (isWide) wide.push(name)
    if (isOptional) optional.push(name)
    return `{${name}}`
  }
  const path = withBraces(written)
    .replace(SEGMENTS, (_whole, name: string, pattern: string) =>
      pattern.replace(/\*{1,2}/g, (stars, at: number) => {
        const position = pattern.slice(0, at).split('*').length
        return placeholder(position === 1 ? name : `${name}_${position}`, stars === '**', false)
      }),
    )
    .replace(QUERY, '')
    .replace(OPTIONAL_PART, '')
    .replace(BRACES, (_whole, sign: string, stars: string, kind: string | undefined, modifier: string) =>
      placeholder(
        stars.replace(/^\*+/, ''),
        sign !== '' || stars.startsWith('*') || isWideKind(kind) || modifier === '*' || modifier === '+',
        modifier === '?',
      ),
    )
    .replace(ANGLES, (_whole, kind: string | undefined, name: string) => placeholder(name, isWideKind(kind), false))
    .split('/')
    .map((segment) => {
      const [, express, modifier = '', dots, next] = SEGMENT.exec(segment) ?? []
      const name = express ?? next
      return name === undefined
        ? segment
        : placeholder(name, dots !== undefined || modifier === '*' || modifier === '+', modifier === '?')
    })
    .join('/')
  return { path, wide, optional }
}

/** Decodes percent-encoded braces, angle brackets, brackets, `$`, and colons. */
function withBraces(path: string): string {
  return path.replace(/%(?:7B|7D|3C|3E|5B|5D|24|3A)/gi, (code) => decodeURIComponent(code))
}

function isWideKind(kind: string | undefined): boolean {
  return kind !== undefined && /^(path|\.\*|\.\+)$/.test(kind)
}

/** Names of the placeholders in a template, in order. */
export function placeholderNames(path: string): string[] {
  return [...new Set([...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) => name))]
}

/** Normalizes names, so that `${MODEL_NAME}` and `modelName` are equal. */
export function normalizeName(name: string): string {
  const [inner = name] = placeholderNames(parsePathTemplate(name).path)
  return inner.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase()
}
