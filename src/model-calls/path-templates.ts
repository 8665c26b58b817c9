/** A path of an API document with each placeholder as `{name}`. */
export interface PathTemplate {
  path: string
  /** placeholders whose value may contain slashes: `{model:path}` of FastAPI, `{+name}` of RFC 6570 */
  wide: string[]
  /** placeholders that may be left out together with their slash: `{version?}` */
  optional: string[]
}

/**
 * `{name}`, `{{name}}`, `${name}`, `{+name}`, `{*name}`; then perhaps a type or a pattern (`:path`, `:[0-9]+`) and a modifier (`*`, `+`,
 * `?`).
 */
const BRACES = /\$?\{{1,2}([+#]?)(\*{0,2}[\w.-]{1,100})(?::([^{}/]{0,100}))?([*+?]?)\}{1,2}/g
/** `{name=models/*}` of google.api.http: the asterisk is what the caller fills in, two of them with slashes. */
const SEGMENTS = /\{([\w.-]{1,100})=([^{}]{1,100})\}/g
/** `<name>`, `<int:name>` (Flask, Django) */
const ANGLES = /<(?:(\w{1,20}):)?([\w.-]{1,100})>/g
/** `:name`, `:name?`, `[name]` and `[...name]` as whole segments (Express, Next.js) */
const SEGMENT = /^(?::([A-Za-z_]\w{0,99})([*+?]?)|\[{1,2}(\.{3})?([A-Za-z_]\w{0,99})\]{1,2})$/
/** a part of several segments that may be left out: `[/versions/{v}]` (Triton) */
const OPTIONAL_PART = /\[\/[^[\]]{1,200}\]/g
/** a query in a template: `{?limit,page}` (RFC 6570) */
const QUERY = /\{[?&][^{}]{0,200}\}/g

/**
 * Reads the placeholders of a path however the framework that generated the document writes them; OpenAPI itself knows `{name}` alone.
 * Linear in the length of the path.
 */
export function templateFrom(written: string): PathTemplate {
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
        const place = pattern.slice(0, at).split('*').length
        return placeholder(place === 1 ? name : `${name}_${place}`, stars === '**', false)
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

/** Braces, angles, brackets and `$` that were percent-encoded are read as what they are. */
function withBraces(path: string): string {
  return path.replace(/%(?:7B|7D|3C|3E|5B|5D|24|3A)/gi, (code) => decodeURIComponent(code))
}

function isWideKind(kind: string | undefined): boolean {
  return kind !== undefined && /^(path|\.\*|\.\+)$/.test(kind)
}

/** Names of placeholders in a template, in its order. */
export function placeholdersIn(path: string): string[] {
  return [...new Set([...path.matchAll(/\{([^{}/]+)\}/g)].map(([, name = '']) => name))]
}

/** By this, a placeholder and its declaration are the same: `${MODEL_NAME}` and `modelName`. */
export function foldedName(name: string): string {
  const [inner = name] = placeholdersIn(templateFrom(name).path)
  return inner.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase()
}
