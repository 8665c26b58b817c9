import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { backgrounds, contrastOf, currentAnnouncement, readBrandFiles } from '../../src/config/branding.js'
import { parsePortalConfig } from '../../src/config/portal-config.js'
import { projectRoot } from '../../src/project-root.js'

/** A PNG file of this size begins like this. */
function png(width: number, height: number): Buffer {
  const content = Buffer.alloc(33)
  content.write('\x89PNG\r\n\x1a\n', 'latin1')
  content.writeUInt32BE(width, 16)
  content.writeUInt32BE(height, 20)
  return content
}

t.test('pictures have the height of the header and their own proportions', async (t) => {
  const folder = t.testdir({
    'logo.svg': `<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"\n  viewBox='0,0 120 40'/>`,
    'icon.png': png(64, 64),
  })
  const { files, problems } = readBrandFiles({ logo: 'logo.svg', icon: 'icon.png' }, folder)
  t.same(problems, [])
  t.same(files.logo, { path: 'branding/logo.svg', width: 96, height: 32 })
  t.same(files.icon, { path: 'branding/icon.png', width: 32, height: 32 })
  t.same([...files.contents.keys()], ['branding/logo.svg', 'branding/icon.png'])
  t.equal(files.colors, undefined)
})

t.test('a picture that cannot be shown is reported with its setting', async (t) => {
  const folder = t.testdir({
    'large.svg': `<svg viewBox="0 0 1 1">${' '.repeat(200_000)}</svg>`,
    'no-size.svg': '<svg width="10" height="10"/>',
    'empty.svg': '<svg viewBox="0 0 0 0"/>',
    'text.png': 'no picture',
  })
  const problemOf = (logo: string) => readBrandFiles({ logo }, folder).problems
  t.same(problemOf('absent.svg'), ['branding.logo cannot read absent.svg (ENOENT)'])
  t.same(problemOf('large.svg'), ['branding.logo large.svg has more than 200 KB; use a smaller picture'])
  for (const file of ['no-size.svg', 'empty.svg'])
    t.same(problemOf(file), [`branding.logo ${file} is not an SVG file with a view box`])
  t.same(problemOf('text.png'), ['branding.logo text.png is not a PNG file'])
  const { problems } = parsePortalConfig('branding: { icon: icon.ico }\n', 'portal.yaml')
  t.match(problems, [/portal\.yaml:1 branding\.icon must match pattern/])
})

t.test('a colour with too little contrast is reported with its contrast', async (t) => {
  t.equal(contrastOf('#ffffff', '#000000'), 21)
  t.equal(contrastOf('#767676', '#ffffff').toFixed(2), '4.54')
  const { problems } = readBrandFiles({ colors: { light: '#ffcc00', dark: '#222222' } }, '')
  t.same(problems, [
    'branding.colors.light #ffcc00 has a contrast of 1.4:1 to the page in the light theme, and text needs 4.5:1; use a darker colour',
    'branding.colors.dark #222222 has a contrast of 1.1:1 to the page in the dark theme, and text needs 4.5:1; use a lighter colour',
  ])
  const { files } = readBrandFiles({ colors: { light: '#0b5d4b', dark: '#6fd3ab' } }, '')
  t.match(
    files.contents.get(files.colors ?? '')?.toString(),
    /:root\{--brand:#0b5d4b;.*\n:root\.pf-v6-theme-dark\{--brand:#6fd3ab;/,
  )
})

t.test('contrast is measured to the backgrounds of the themes', async (t) => {
  const tokens = readFileSync(join(projectRoot, 'static', 'css', 'tokens.css'), 'utf8')
  const [light = '', dark = ''] = tokens.split(':root.pf-v6-theme-dark')
  const value = (theme: string, token: string) => new RegExp(`--${token}: (#\\w+);`).exec(theme)?.[1] ?? ''
  const full = (color: string) => (color.length === 4 ? color.replace(/\w/g, '$&$&') : color)
  const contrasts = (theme: string, text: string) =>
    ['page', 'surface', 'sunken'].map((token) => contrastOf(full(value(theme, token)), text))
  t.equal(contrastOf(backgrounds.light, '#000000'), Math.min(...contrasts(light, '#000000')))
  t.equal(contrastOf(backgrounds.dark, '#ffffff'), Math.min(...contrasts(dark, '#ffffff')))
})

t.test('an announcement ends with its day or at its time', async (t) => {
  const isShown = (until: string | undefined, now: string) =>
    currentAnnouncement(
      { announcement: { level: 'info', text: 'Maintenance', ...(until === undefined ? {} : { until }) } },
      Date.parse(now),
    ) !== undefined
  t.ok(isShown(undefined, '2099-01-01T00:00:00Z'))
  t.ok(isShown('2026-12-31', '2026-12-31T23:59:59Z'))
  t.notOk(isShown('2026-12-31', '2027-01-01T00:00:00Z'))
  t.ok(isShown('2026-06-12T20:00+02:00', '2026-06-12T17:59:59Z'))
  t.notOk(isShown('2026-06-12T20:00+02:00', '2026-06-12T18:00:00Z'))
  t.equal(currentAnnouncement({}, 0), undefined)
  const { problems } = readBrandFiles({ announcement: { level: 'info', text: 'x', until: '2026-13-45' } }, '')
  t.same(problems, ['branding.announcement.until 2026-13-45 is not a date; for example 2026-12-31'])
})
