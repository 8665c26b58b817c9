import { readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { fileMessages, brandingMessages as messages } from './messages.js'

const strict = { additionalProperties: false } as const
const picture = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: '\\.(svg|png)$',
      description: `${description}; the path of an SVG or PNG file, relative to the folder of this file`,
    }),
  )
const color = (description: string) => Type.String({ pattern: '^#[0-9A-Fa-f]{6}$', description })

export const Branding = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
    tagline: Type.Optional(Type.String({ maxLength: 300 })),
    logo: picture('instead of the icon and the name in the header of every page, 32 pixels high'),
    logo_dark: picture('the logo in the dark theme; default logo'),
    icon: picture('in browser tabs, and in the header if there is no logo'),
    colors: Type.Optional(
      Type.Object(
        { light: color('for example #0b5d3b'), dark: color('for example #7fd8ae') },
        {
          ...strict,
          description:
            'of buttons, links and selected items in each theme; the portal starts only if their contrast to the page is sufficient',
        },
      ),
    ),
    footer: Type.Optional(Type.String({ minLength: 1, maxLength: 300, description: 'a line below every page' })),
    announcement: Type.Optional(
      Type.Object(
        {
          level: Type.Unsafe<'info' | 'success' | 'warning' | 'danger'>({
            type: 'string',
            enum: ['info', 'success', 'warning', 'danger'],
          }),
          text: Type.String({ minLength: 1, maxLength: 300 }),
          until: Type.Optional(
            Type.String({
              pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2}))?$',
              description: 'the last day in UTC, or a time with its offset; default: until it is removed',
            }),
          ),
        },
        { ...strict, description: 'shown at the top of every page' },
      ),
    ),
  },
  strict,
)
export type Branding = Static<typeof Branding>

/** A picture that pages show. `path` is relative to the static files, and sizes are in pixels. */
export interface BrandPicture {
  path: string
  width: number
  height: number
}

/** The files of a brand, which are served with the static files of the portal. */
export interface BrandFiles {
  logo?: BrandPicture
  logoDark?: BrandPicture
  icon?: BrandPicture
  /** path of the style sheet with the colours */
  colors?: string
  contents: Map<string, Buffer>
}

const MAX_PICTURE_BYTES = 200_000
const LOGO_HEIGHT = 32
/** WCAG 2.2, 1.4.3 */
const MIN_CONTRAST = 4.5
/** The darkest background of the light theme and the lightest of the dark theme: `--sunken` and `--surface` of tokens.css. */
export const backgrounds = { light: '#f4f4f6', dark: '#1b1b1f' } as const

/** Reads the pictures and derives the style sheet. Each problem is for the operator, with the path of the setting. */
export function readBrandFiles(branding: Branding, folder: string): { files: BrandFiles; problems: string[] } {
  const contents = new Map<string, Buffer>()
  const problems: string[] = []
  const files: BrandFiles = { contents }
  const pictures = { logo: 'logo', logo_dark: 'logoDark', icon: 'icon' } as const
  for (const [setting, name] of Object.entries(pictures) as [keyof typeof pictures, 'logo' | 'logoDark' | 'icon'][]) {
    const file = branding[setting]
    if (file === undefined) continue
    const { content, size, problem } = readPicture(resolve(folder, file), file)
    if (problem !== undefined) {
      problems.push(`branding.${setting} ${problem}`)
      continue
    }
    const path = `branding/${setting.replace('_', '-')}${extname(file)}`
    contents.set(path, content)
    files[name] = {
      path,
      width: Math.max(1, Math.round(LOGO_HEIGHT * (size.width / size.height))),
      height: LOGO_HEIGHT,
    }
  }
  if (branding.colors) {
    problems.push(...contrastProblems(branding.colors))
    files.colors = 'branding/colors.css'
    contents.set(files.colors, Buffer.from(styleSheet(branding.colors)))
  }
  const { until } = branding.announcement ?? {}
  if (until !== undefined && Number.isNaN(endOf(until)))
    problems.push(`branding.announcement.until ${messages.noTime(until)}`)
  return { files, problems }
}

/** The announcement at this time. */
export function currentAnnouncement({ announcement }: Branding, now: number): Branding['announcement'] {
  return announcement?.until === undefined || now < endOf(announcement.until) ? announcement : undefined
}

/** A day ends with its last second in UTC. */
function endOf(until: string): number {
  return until.includes('T') ? Date.parse(until) : Date.parse(until) + 24 * 3600_000
}

function contrastProblems(colors: { light: string; dark: string }): string[] {
  return (['light', 'dark'] as const).flatMap((theme) => {
    const contrast = contrastOf(colors[theme], backgrounds[theme])
    if (contrast >= MIN_CONTRAST) return []
    return [`branding.colors.${theme} ${messages.contrast(colors[theme], contrast, MIN_CONTRAST, theme)}`]
  })
}

/** Texts on these colours are white in the light theme and dark in the dark theme, as in tokens.css. */
function styleSheet({ light, dark }: { light: string; dark: string }): string {
  return [
    `:root{--brand:${light};--brand-strong:color-mix(in srgb,${light} 70%,#000);--wash:color-mix(in srgb,${light} 9%,#fff)}`,
    `:root.pf-v6-theme-dark{--brand:${dark};--brand-strong:color-mix(in srgb,${dark} 70%,#fff);--wash:color-mix(in srgb,${dark} 22%,#131316)}`,
    '',
  ].join('\n')
}

/** The ratio of WCAG 2.2 for two colours as #rrggbb. */
export function contrastOf(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminanceOf(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

type ReadPicture =
  | { content: Buffer; size: Size; problem?: undefined }
  | { problem: string; content?: undefined; size?: undefined }

interface Size {
  width: number
  height: number
}

function readPicture(path: string, file: string): ReadPicture {
  let content: Buffer
  try {
    content = readFileSync(path)
  } catch (error) {
    return { problem: fileMessages.unreadable(file, (error as NodeJS.ErrnoException).code) }
  }
  if (content.length > MAX_PICTURE_BYTES) return { problem: messages.tooLarge(file) }
  const isPng = extname(file) === '.png'
  const size = isPng ? sizeOfPng(content) : sizeOfSvg(content.toString('utf8'))
  return size ? { content, size } : { problem: (isPng ? messages.notPng : messages.noViewBox)(file) }
}

function sizeOfPng(content: Buffer): Size | undefined {
  const isPng = content.subarray(0, 8).toString('latin1') === '\x89PNG\r\n\x1a\n' && content.length > 24
  return isPng ? sizeFrom(content.readUInt32BE(16), content.readUInt32BE(20)) : undefined
}

/** The size of its view box. */
function sizeOfSvg(text: string): Size | undefined {
  const [, viewBox = ''] =
    /\bviewBox\s?=\s?["']([^"']{1,100})["']/.exec(text.slice(Math.max(0, text.indexOf('<svg')))) ?? []
  const [, , width, height] = viewBox
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  return text.includes('<svg') ? sizeFrom(width, height) : undefined
}

function sizeFrom(width = 0, height = 0): Size | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
