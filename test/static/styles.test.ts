import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { clients } from '../../src/features/snippets/clients.js'
import { projectRoot } from '../../src/project-root.js'

const folder = join(projectRoot, 'static', 'css')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const files = readdirSync(folder).filter((name) => name.endsWith('.css') && name !== 'app.css' && name !== 'tokens.css')

/** Declarations with a value that tokens.css has to hold. */
function rawValues(css: string): string[] {
  const declarations = [...css.matchAll(/(?<![\w-])(-{0,2}[a-z][\w-]*):\s([^;{}]+);/g)]
  return declarations.flatMap(([text, name = '', value = '']) => {
    const plain = value.replace(/url\("[^"]*"\)/g, '')
    const hasLength = /(?<![\w-])\d*\.?\d+(rem|em)\b|(?<![\w.-])([4-9]|\d{2,})px\b/.test(plain)
    const isRaw =
      /#[\da-f]{3,8}\b|\b(rgb|hsl)a?\(/i.test(plain) ||
      (/^(gap|row-gap|column-gap|margin|padding|border(-\w+)*-radius$)/.test(name) &&
        (hasLength || /50%/.test(plain))) ||
      (name === 'font-size' && !/^(var\(--size-\w+\)|\.9375em|inherit)$/.test(plain)) ||
      (name === 'font' && !/var\(--size-|inherit/.test(plain)) ||
      (name === 'font-family' &&
        !/var\(--font-|inherit/.test(plain) &&
        !/^"Red Hat (Text|Display|Mono)"$/.test(plain)) ||
      (name === 'box-shadow' && !/none|inset|var\(--shadow\)/.test(plain)) ||
      (name.startsWith('outline') && /solid/.test(plain))
    return isRaw ? [text] : []
  })
}

t.test('colours, sizes, spacing, radii and shadows are tokens', async (t) => {
  for (const name of files) t.same(rawValues(read(name)), [], name)
  const raw = [
    'color: #fff;',
    'gap: .8rem;',
    'border-radius: 8px;',
    'font-size: .9rem;',
    'box-shadow: 0 0 4px rgb(0 0 0 / .1);',
  ]
  for (const declaration of raw) t.same(rawValues(`a { ${declaration} }`), [declaration])
  t.same(rawValues('a { color: var(--soft); gap: var(--space-2); border-radius: 0; padding: 2px var(--space-3); }'), [])
})

t.test('each group of clients is a tab that shows its clients', async (t) => {
  const css = read('portal.css')
  const groups = [...new Set(clients.map(({ group }) => group))]
  t.ok(groups.length > 1)
  for (const index of groups.keys()) {
    t.match(css, `.code-picker:has(.code-radio[data-group="${index}"]:checked) .code-tab[data-group="${index}"]`)
    t.match(css, `.code-choice:not([data-group="${index}"])`)
  }
})

t.test('the initial on the tile of an owner has a contrast of 3:1 in every hue and both themes', async (t) => {
  const themes = read('tokens.css').split('pf-v6-theme-dark')
  t.equal(themes.length, 2)
  const hues = [...read('catalogue.css').matchAll(/\.owner-tile-\d \{ --hue: var\((--chart-\d)\)/g)].map(
    ([, name]) => name,
  )
  t.equal(hues.length, 8)
  for (const theme of themes) {
    const value = (name = '') => new RegExp(`${name}: (#[\\da-f]{3,6});`).exec(theme)?.[1] ?? ''
    for (const surface of ['--surface', '--page'].map(value))
      for (const hue of hues.map(value)) t.ok(contrast(hue, mixed(hue, surface, 0.12)) >= 3, `${hue} on ${surface}`)
  }
})

/** Red, green and blue, from 0 to 255. */
function channels(color: string): number[] {
  const digits = color.length === 4 ? [...color.slice(1)].map((digit) => digit + digit) : color.slice(1).match(/../g)
  return (digits ?? []).map((pair) => Number.parseInt(pair, 16))
}

function mixed(color: string, background: string, share: number): number[] {
  const behind = channels(background)
  return channels(color).map((value, index) => share * value + (1 - share) * (behind[index] ?? 0))
}

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(color: string, background: number[]): number {
  const luminance = (rgb: number[]) => {
    const [red = 0, green = 0, blue = 0] = rgb.map((value) => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [one, other] = [luminance(channels(color)), luminance(background)]
  return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
}

t.test('every token that is named exists, and every token is used', async (t) => {
  const tokens = read('tokens.css')
  const all = [tokens, ...files.map(read)].join('\n')
  const scripts = readdirSync(join(projectRoot, 'static', 'js')).map((name) =>
    readFileSync(join(projectRoot, 'static', 'js', name), 'utf8'),
  )
  const defined = new Set([...all.matchAll(/(?<![\w-])(--[a-z][\w-]*):/g)].map(([, name = '']) => name))
  const used = new Set([...all.matchAll(/var\((--[a-z][\w-]*)/g)].map(([, name = '']) => name))
  t.same(
    [...used].filter((name) => !defined.has(name) && !name.startsWith('--pf-')),
    [],
  )
  const own = [...tokens.matchAll(/^ {2}(--(?!pf-)[a-z][\w-]*):/gm)].map(([, name = '']) => name)
  t.ok(own.length > 50)
  t.same(
    own.filter((name) => !used.has(name) && !name.startsWith('--chart-') && !scripts.join('').includes(name)),
    [],
  )
})

t.test('the scale has six sizes of text and three radii', async (t) => {
  const names = (prefix: string) =>
    [...read('tokens.css').matchAll(new RegExp(`^  (${prefix}[\\w-]+):`, 'gm'))].map(([, name = '']) => name)
  t.same(names('--size-').length, 6)
  t.same(names('--radius-'), ['--radius-control', '--radius-card', '--radius-pill'])
})

t.test('the style sheet that is served has the focus ring, the code font and both themes', async (t) => {
  const built = read('app.css')
  t.match(built, /[}*]:focus-visible\{outline:var\(--focus\);outline-offset:2px\}/)
  t.match(built, /--focus:3px solid var\(--brand\)/)
  t.match(built, /RedHatMono-Regular\.woff2/)
  t.match(built, /:root\.pf-v6-theme-dark\{[^}]*--page:#131316/)
  t.match(built, /\.notice\.pf-m-danger\{--status:var\(--danger\)/)
})
