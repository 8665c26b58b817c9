// Builds static/css/app.css from the tokens and components of PatternFly, reduced to the classes in use, and the rules of the portal.
// Copies the fonts and the libraries of the pages.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { Features, transform } from 'lightningcss'
import { PurgeCSS } from 'purgecss'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const patternfly = dirname(createRequire(import.meta.url).resolve('@patternfly/patternfly/package.json'))
const components = ['Alert', 'Button', 'Card', 'FormControl', 'Label', 'Spinner', 'Table']
const parts = [
  join(patternfly, 'base/patternfly-variables.css'),
  ...components.map((name) =>
    join(patternfly, 'components', name, `${name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase()}.css`),
  ),
  join(root, 'static/css/tokens.css'),
  join(root, 'static/css/portal.css'),
  join(root, 'static/css/account.css'),
  join(root, 'static/css/catalogue.css'),
  join(root, 'static/css/home.css'),
  join(root, 'static/css/doctor.css'),
  join(root, 'static/css/playground.css'),
]

/** All files that may use a class, by folder. As text, because PurgeCSS reads the separators of Windows as escapes of a pattern. */
const content = [
  ...textsOf('views', /\.eta$/),
  ...textsOf('static/js', /\.js$/),
  ...textsOf('src/features', /\.ts$/),
  ...textsOf('src/web', /\.ts$/),
]

const css = parts.map((file) => readFileSync(file, 'utf8')).join('\n')
const [purged] = await new PurgeCSS().purge({
  content,
  css: [{ raw: css }],
  variables: true,
  safelist: {
    standard: [
      'pf-v6-theme-dark',
      /^type-/,
      /^owner-tile-/,
      /^shade-/,
      /^pf-m-(blue|teal|purple|orange|green|red|grey|success|info|warning|danger)$/,
    ],
    greedy: [/hljs/],
    variables: [],
  },
})
const { code } = transform({
  filename: 'app.css',
  code: Buffer.from(purged.css),
  minify: true,
  include: Features.Nesting,
})
writeFileSync(join(root, 'static/css/app.css'), code)

const fonts = join(root, 'static/fonts')
mkdirSync(fonts, { recursive: true })
for (const name of ['RedHatText/RedHatTextVF', 'RedHatDisplay/RedHatDisplay-Medium', 'RedHatMono/RedHatMono-Regular']) {
  copyFileSync(join(patternfly, 'assets/fonts', `${name}.woff2`), join(fonts, `${name.split('/')[1]}.woff2`))
}

// uPlot's own minified build as a module: about half the size of its ESM build, which is not minified.
const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'))
const vendor = join(root, 'static/vendor')
mkdirSync(vendor, { recursive: true })
const script = readFileSync(join(uplot, 'dist/uPlot.iife.min.js'), 'utf8')
writeFileSync(join(vendor, 'uplot.js'), `${script}\nexport default uPlot\n`)
copyFileSync(join(uplot, 'dist/uPlot.min.css'), join(vendor, 'uplot.css'))

// The parser that the portal itself uses for streams.
const parser = await rolldown({ input: 'eventsource-parser', cwd: root })
await parser.write({ file: join(vendor, 'eventsource-parser.js'), format: 'esm', minify: true })

// The Markdown parser that the portal itself uses for descriptions.
const markdown = await rolldown({ input: 'markdown-it', cwd: root })
await markdown.write({ file: join(vendor, 'markdown-it.js'), format: 'esm', minify: true })

/** Files below a folder of the project whose names match. */
function textsOf(folder, pattern) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((path) => pattern.test(path.replaceAll('\\', '/')))
    .map((path) => ({ raw: readFileSync(join(root, folder, path), 'utf8'), extension: extname(path).slice(1) }))
}
