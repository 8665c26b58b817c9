// Builds static/css/app.css: PatternFly's tokens and the components in use, reduced to the classes that views and scripts
// name, with the portal's own rules after them; and copies the two fonts and the libraries that pages load.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
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
  join(root, 'static/css/portal.css'),
  join(root, 'static/css/account.css'),
  join(root, 'static/css/catalogue.css'),
  join(root, 'static/css/doctor.css'),
  join(root, 'static/css/playground.css'),
]

const css = parts.map((file) => readFileSync(file, 'utf8')).join('\n')
const [purged] = await new PurgeCSS().purge({
  content: [
    join(root, 'views/**/*.eta'),
    join(root, 'static/js/*.js'),
    join(root, 'src/**/*view.ts'),
    join(root, 'src/features/usage/*.ts'),
    join(root, 'src/web/*.ts'),
  ],
  css: [{ raw: css }],
  variables: true,
  safelist: {
    standard: [
      'pf-v6-theme-dark',
      /^type-/,
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
for (const name of ['RedHatText/RedHatTextVF', 'RedHatDisplay/RedHatDisplay-Medium']) {
  copyFileSync(join(patternfly, 'assets/fonts', `${name}.woff2`), join(fonts, `${name.split('/')[1]}.woff2`))
}

// uPlot's own minified build as a module: a bit more than half the bytes of its ESM build, which is not minified
const uplot = dirname(createRequire(import.meta.url).resolve('uplot/package.json'))
const vendor = join(root, 'static/vendor')
mkdirSync(vendor, { recursive: true })
const script = readFileSync(join(uplot, 'dist/uPlot.iife.min.js'), 'utf8')
writeFileSync(join(vendor, 'uplot.js'), `${script}\nexport default uPlot\n`)
copyFileSync(join(uplot, 'dist/uPlot.min.css'), join(vendor, 'uplot.css'))

// the parser that the portal itself reads streams with
const parser = await rolldown({ input: 'eventsource-parser', cwd: root })
await parser.write({ file: join(vendor, 'eventsource-parser.js'), format: 'esm', minify: true })
