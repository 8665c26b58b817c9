import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../../src/project-root.js'
import { build as portalBuild } from '../../src/version.js'
import { startStack } from '../helper/stack.js'
import { createVisitor } from '../helper/visitor.js'
import { type Manifest, read, render } from './kubernetes.js'
import { usedBy } from './promql.js'
import { complaints } from './schemas.js'

interface Panel {
  id: number
  type: string
  title: string
  description?: string
  gridPos: { h: number; w: number; x: number; y: number }
  fieldConfig?: { defaults: { unit: string } }
  targets?: { expr: string; legendFormat: string }[]
}

interface Rule {
  alert: string
  expr: string
  for: string
  labels: { severity: string }
  annotations: { summary: string; description: string }
}

const folder = join(projectRoot, 'deploy', 'kubernetes', 'observability')
const dashboard = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8')) as {
  uid: string
  panels: Panel[]
  templating: { list: { name: string; type: string }[] }
}
const [rule] = read(join(folder, 'prometheus-rule.yaml')) as [Manifest]
const rules = rule.spec.groups.flatMap(({ rules }: { rules: Rule[] }) => rules) as Rule[]
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ from: title, expr }))),
  ...rules.map(({ alert, expr }) => ({ from: alert, expr })),
]
/** Labels that the scrape by Prometheus and the ServiceMonitor adds. */
const added = ['instance', 'job']

/** Name -> labels of its series and its kind, as reported by a running portal. */
async function scrape(url: string) {
  const text = await (await fetch(`${url}/metrics`)).text()
  const kinds = new Map<string, string>()
  const series = new Map<string, Map<string, Set<string>>>()
  for (const line of text.split('\n')) {
    const [, named, kind] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (named && kind) kinds.set(named, kind)
    const [, name, labels = ''] = /^([a-z]\w*)(?:\{(.*)\})? \S+$/.exec(line) ?? []
    if (!name) continue
    const known = series.get(name) ?? new Map<string, Set<string>>()
    series.set(name, known)
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
      known.set(label, (known.get(label) ?? new Set()).add(value))
  }
  return { kinds, series, text }
}

/** A portal that has processed every kind of request, so that every metric has a series. */
const stack = await startStack()
t.teardown(() => stack.close())
const portal = await stack.portal({ CATALOG_TTL: '1' })
const visitor = createVisitor(stack)
await visitor.signIn('admin', '/applications')
const form = await visitor.get('/applications/new?model=granite-chat')
await visitor.submit(form, /applications/, { name: 'measured', plan: 'basic' })
await fetch(`${portal.metrics}/readyz`)
await stack.faults([{ match: 'GET /admin/api/accounts/*', drop: 'before', times: 1 }])
await visitor.get('/applications')
await stack.faults([])
await visitor.get(`/login/callback?error=access_denied`)
const { kinds, series } = await scrape(portal.metrics)

t.test('every query of dashboard and alerts is valid PromQL for existing metrics and labels', async (t) => {
  t.ok(queries.length > 30)
  for (const { from, expr } of queries) {
    const used = usedBy(expr)
    t.ok(used.length > 0, `${from} has a query`)
    for (const { metric, labels, matchers } of used) {
      if (metric === 'up') {
        t.same(matchers, [{ label: 'job', operator: '=', value: 'maas-portal' }])
        continue
      }
      const known = series.get(metric)
      t.ok(known, `${from}: ${metric}`)
      for (const label of labels)
        if (!added.includes(label)) t.ok(known?.has(label), `${from}: ${metric} has the label ${label}`)
      for (const { label, operator, value } of matchers)
        if (operator === '=' && value !== '5xx') t.ok(known?.get(label)?.has(value), `${from}: ${label}="${value}"`)
    }
  }
})

t.test('rates are computed from counters, ages and sizes from gauges', async (t) => {
  const counters = [...kinds].flatMap(([name, kind]) =>
    kind === 'counter' ? [name] : kind === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [],
  )
  for (const { from, expr } of queries) {
    for (const [, metric = ''] of expr.matchAll(/(?:rate|increase)\((\w+)/g))
      t.ok(counters.includes(metric), `${from}: ${metric}`)
    for (const { metric } of usedBy(expr))
      if (counters.includes(metric)) t.match(expr, new RegExp(`(rate|increase)\\(${metric}\\b`), `${from}: ${metric}`)
  }
})

t.test('only counters have the suffix of counters, and every portal reports its build', async (t) => {
  for (const [name, kind] of kinds) t.equal(name.endsWith('_total'), kind === 'counter', `${name} is a ${kind}`)
  t.equal(kinds.get('maas_build_info'), 'gauge')
  t.same(Object.fromEntries(series.get('maas_build_info') ?? []), {
    version: new Set([portalBuild.version]),
    commit: new Set([portalBuild.commit]),
  })
})

t.test('a query with an invalid metric, label or bracket is reported', async (t) => {
  t.throws(() => usedBy('sum(rate(maas_http_request_seconds_count[5m])'), /no PromQL/)
  t.same(usedBy('sum by (a, b) (rate(x_total{c!="d"}[5m])) / y'), [
    { metric: 'x_total', labels: ['c', 'a', 'b'], matchers: [{ label: 'c', operator: '!=', value: 'd' }] },
    { metric: 'y', labels: [], matchers: [] },
  ])
})

t.test(
  'the dashboard is complete: panels have descriptions, do not overlap and use the chosen Prometheus',
  async (t) => {
    const { panels, templating } = dashboard
    t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    t.match(templating.list, [{ name: 'datasource', type: 'datasource' }])
    const cells = new Set<string>()
    for (const { type, title, description, gridPos, fieldConfig, targets = [] } of panels) {
      t.ok(title)
      if (type !== 'row') t.ok(description && fieldConfig?.defaults.unit && targets.length > 0, title)
      t.ok(gridPos.x + gridPos.w <= 24, title)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          t.notOk(cells.has(`${x}/${y}`), `${title} overlaps another panel`)
          cells.add(`${x}/${y}`)
        }
      for (const { expr, legendFormat } of targets)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          t.match(expr, new RegExp(`by \\([^)]*\\b${label}\\b`), `${title}: {{${label}}}`)
    }
  },
)

t.test('alerts match their schema and state the meaning and the action', async (t) => {
  t.same(complaints(rule), [])
  for (const { alert, labels, annotations, for: current } of rules) {
    t.match(alert, /^MaasPortal[A-Z]\w+$/)
    t.match(current, /^\d+m$/)
    t.match(labels.severity, /^(warning|critical)$/)
    t.ok(annotations.summary.length > 10 && annotations.description.length > 30, alert)
    for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
      t.match(rules.find((each) => each.alert === alert)?.expr, new RegExp(`by \\(${label}\\)`), alert)
    for (const [, panel = ''] of annotations.description.matchAll(/"([^"]+)"/g))
      t.ok(
        dashboard.panels.some(({ title }) => title === panel),
        `${alert}: there is a panel ${panel}`,
      )
  }
})

t.test('kustomize includes both, and the job is the Service that is scraped', async (t) => {
  const manifests = render(join(projectRoot, 'deploy', 'kubernetes', 'examples', 'openshift'))
  const map = manifests.find(({ metadata }) => metadata.name === 'maas-portal-dashboard')
  t.same(JSON.parse(map?.data['dashboard.json']), dashboard)
  t.ok(manifests.some(({ kind }) => kind === 'PrometheusRule'))
  t.equal(manifests.find(({ kind }) => kind === 'Service')?.metadata.name, 'maas-portal')
})

t.test('docs/observability.md lists every metric of the portal, and no other', async (t) => {
  const guide = readFileSync(join(projectRoot, 'docs', 'observability.md'), 'utf8')
  const reported = [...guide.matchAll(/^\| `(maas_\w+)` \|/gm)].map(([, name]) => name)
  t.same(reported.sort(), [...kinds.keys()].filter((name) => name.startsWith('maas_')).sort())
})
