import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { legacyRedirectTarget } from '../../src/web/pages/legacy-redirects.js'

const guide = readFileSync(join(projectRoot, 'deploy', 'README.md'), 'utf8')
const section = (title: string) => guide.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''

t.test('each step of the previous guide has a row that states its replacement', async (t) => {
  const rows = [...section('Each step of the previous guide').matchAll(/^\| (.+?) \| (.+) \|$/gm)].slice(1)
  const steps = rows.map(([, step]) => step).join('\n')
  // 3scale, a model, the portal and sign-in, in the order of the guide.
  for (const step of [
    ...['project `3scale`', '`llm-metrics`', 'operator', 'CustomPolicyDefinition', 'APIManager', '`system-seed`'],
    ...[
      '`ADMIN_ACCESS_TOKEN`',
      'organisation name',
      'time zone',
      'default product',
      'backend by form',
      'product by form',
    ],
    ...[
      'methods and mapping rules',
      'metrics for tokens',
      'Auth user key',
      'policies CORS',
      'promote',
      'application plan',
    ],
    ...['default service plan', 'first application', 'existing accounts', 'ActiveDocs', 'model names', 'portal pages'],
    ...[
      'access code',
      'project `rh-sso`',
      'client `3scale`',
      'mapper',
      'identity provider',
      'test user',
      'SSO integration',
    ],
  ])
    t.match(steps, step)
  for (const [, step = '', instead = ''] of rows) t.match(instead, /\w{3}/, step)
})

t.test('every address that "Taking over" lists is redirected, and the way back is one line', async (t) => {
  const text = section('Taking over')
  const promised = [...text.matchAll(/`(\/[a-z_/]+)…?`/g)].map(([, path = '']) => path)
  for (const path of ['/admin/applications', '/admin/account', '/services', '/docs', '/stats', '/examples', '/signup'])
    t.ok(promised.includes(path), path)
  for (const path of promised) t.ok(legacyRedirectTarget(path), path)
  t.match(text, /\*\*Back in one step:\*\* `kubectl delete route \S+ .* && kubectl apply -f stock-route\.yaml`/)
  for (const words of ['Second host', 'passwords of the stock portal end', 'stock_hosts', 'access code', 'still sends'])
    t.match(text, words)
})

t.test('the guide states how each image is pinned by digest, and the files accept one', async (t) => {
  const read = (path: string) => readFileSync(join(projectRoot, 'deploy', path), 'utf8')
  const image = section('4. The image')
  t.match(image, 'skopeo inspect')
  for (const [, name = ''] of read('Containerfile').matchAll(/^FROM \$\{(\w+)\}/gm)) {
    t.match(read('Containerfile'), new RegExp(`^ARG ${name}=`, 'm'))
    t.match(image, `--build-arg ${name}=`)
  }
  for (const [, name = ''] of read('compose.yaml').matchAll(/image: \$\{(\w+):-(?!localhost)/g))
    t.match(image, `\`${name}\``)
  for (const name of ['maas-portal', 'maas-redis']) t.match(image, new RegExp(`${name}=\\S+@sha256:`))
})

t.test('the token of the portal is a separate one, with two scopes', async (t) => {
  t.match(
    section('1. 3scale'),
    /an admin user of its own[\s\S]*\*Account Management\s+API\* and \*Analytics API\*, \*Read & Write\*/,
  )
})
