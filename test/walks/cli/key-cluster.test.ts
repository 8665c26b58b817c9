import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { projectRoot } from '../../../src/project-root.js'
import { render } from '../../deploy/kubernetes.js'
import { complaints } from '../../deploy/schemas.js'
import { createApi } from '../../helper/api.js'
import { decoded, type Run, runKey, startFront } from '../../helper/key-command.js'
import { type Rule, startKubernetesApi } from '../../helper/kubernetes-api.js'
import { portBeside, startStack } from '../../helper/stack.js'

/** `maas-portal key` in a pod: the CronJob of deploy/kubernetes/key-sync, its Role, and a portal behind TLS. */
const manifests = render(join(projectRoot, 'deploy', 'kubernetes', 'key-sync'))
const manifest = (kind: string) => {
  const found = manifests.find((one) => one.kind === kind)
  if (!found) throw new Error(`no ${kind}`)
  return found
}
const job = manifest('CronJob').spec.jobTemplate.spec
const pod = job.template.spec
const [container] = pod.containers as [{ args: string[]; command: string[] } & Record<string, unknown>]
const settings = manifest('ConfigMap').data as Record<string, string>
const namespace = String(manifest('Secret').metadata.namespace)
const secretName = manifest('Secret').metadata.name
/** Expands `$(NAME)` as the kubelet does. */
const args = container.args.map((arg) => arg.replace(/\$\((\w+)\)/g, (_, name: string) => settings[name] ?? ''))

const stack = await startStack()
const api = createApi(stack)
const front = await startFront(() => Number(portBeside(stack)))
await stack.portal({ PORT: portBeside(stack), PUBLIC_URL: front.url })
const cluster = await startKubernetesApi()
t.teardown(async () => {
  front.close()
  await Promise.all([stack.close(), cluster.close()])
})
const token = await api.token({ client_id: 'demo-service' })
const fields = { department: 'Research', job_title: 'Pipeline' }
const signedUp = await fetch(`http://localhost:${portBeside(stack)}/api/v1/me`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ fields, accept_terms: '2026-01' }),
})
t.equal(signedUp.status, 201)

/** The files that the kubelet mounts into the pod of that service account. */
function serviceAccount(
  t: Test,
  name: string,
  submission: { rules?: Rule[]; namespace?: string; admitted?: boolean } = {},
) {
  const user = `system:serviceaccount:${namespace}:${name}`
  const rules = submission.rules ?? (manifest('Role').rules as Rule[])
  if (submission.admitted !== false) cluster.admit(`token-of-${name}`, { name: user, namespace, rules })
  const folder = t.testdir({
    token: `token-of-${name}`,
    'ca.crt': cluster.ca,
    namespace: submission.namespace ?? namespace,
  })
  return ['--service-account', folder]
}

async function inPod(t: Test, args: string[], env: Record<string, string> = {}): Promise<Run> {
  const folder = join(t.testdirName, 'client')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'client-id'), 'demo-service')
  writeFileSync(join(folder, 'client-secret'), 'demo-service-secret\n')
  const run = await runKey(args, {
    MAAS_PORTAL_URL: front.url,
    EXTRA_CA_FILE: front.caFile,
    MAAS_CLIENT_ID_FILE: join(folder, 'client-id'),
    MAAS_CLIENT_SECRET_FILE: join(folder, 'client-secret'),
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(cluster.port),
    ...env,
  })
  for (const secret of ['demo-service-secret', 'token-of-', 'maas_2']) t.notMatch(run.stderr, secret)
  return run
}

t.test('the CronJob matches its schema and the restricted pod standard, and has access to one Secret', async (t) => {
  for (const one of manifests) {
    t.same(complaints(one), [])
    t.equal(one.metadata.namespace, namespace, `${one.kind} ${one.metadata.name}`)
  }
  t.match(pod, {
    automountServiceAccountToken: false,
    serviceAccountName: manifest('ServiceAccount').metadata.name,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
  })
  t.same(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  })
  t.notMatch(JSON.stringify(pod), /runAsUser|fsGroup|hostPath|secretKeyRef|secretRef/)
  t.match(container.image, /^[\w.-]+\/.+:\d+\.\d+\.\d+$/)
  t.same(manifest('Role').rules, [
    { apiGroups: [''], resources: ['secrets'], resourceNames: [secretName], verbs: ['get', 'patch'] },
  ])
  t.ok(args.includes(`--secret=${secretName}`), 'the Secret that the Role names')
  t.same(manifest('Secret').data, {}, 'the manifest sets no data')
  const { spec } = manifest('NetworkPolicy')
  t.same(spec.policyTypes, ['Ingress', 'Egress'])
  t.notOk(spec.ingress)
  t.match(job.template.metadata.labels, spec.podSelector.matchLabels)
  for (const { to, ports } of spec.egress) t.ok(to?.length > 0 && ports?.length > 0)
  t.match(job.podFailurePolicy.rules, [{ action: 'FailJob', onExitCodes: { values: [1, 3] } }])
})

t.test('the arguments of the CronJob write the Secret, and a second run writes nothing', async (t) => {
  const command = (text: string) => text.replace('purpose=Production', 'purpose=Experiment')
  const required = [...args.map(command), ...serviceAccount(t, 'key-sync')]
  const absent = await inPod(t, required)
  t.match(
    [absent.status, absent.stderr],
    [1, /cannot create resource "secrets"/],
    'its Role does not allow it to create one',
  )
  cluster.put(namespace, secretName)
  cluster.calls.length = 0
  const first = await inPod(t, required)
  t.equal(first.status, 0, first.stderr)
  t.equal(first.stdout, '')
  t.match(first.stderr, `Secret ${namespace}/${secretName} written`)
  t.same(cluster.calls, [`GET ${namespace}/${secretName}`, `PATCH ${namespace}/${secretName}`])
  const secret = structuredClone(cluster.secret(namespace, secretName))
  const values = decoded(secret?.data ?? {})
  t.match(values, { OPENAI_API_KEY: /^maas_/, OPENAI_BASE_URL: /\/v1$/ })
  const again = await inPod(t, required)
  t.match([again.status, again.stderr], [0, 'unchanged'])
  t.same(cluster.secret(namespace, secretName), secret)
  await stack.settled()
  const answer = await fetch(`${values.OPENAI_BASE_URL}/models`, {
    headers: { authorization: `Bearer ${values.OPENAI_API_KEY}` },
  })
  t.equal(answer.status, 200, 'the gateway accepts it')
})

t.test('the previous key stays until the Secret has held its successor for the overlap', async (t) => {
  const pod = serviceAccount(t, 'rotating', { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }] })
  const required = ['--model', 'nomic-embed', '--name', 'rotating', '--field', 'purpose=Experiment', '--apply', ...pod]
  const rotating = [...required, '--rotate-after', '30m', '--overlap', '10m', '--output', 'json']
  interface Report {
    rotated: boolean
    removed_keys: string[]
    application: { id: number }
    key_id: string
    secret: { name: string; written: boolean }
  }
  const report = async (args: string[]) => {
    const { status, stdout, stderr } = await inPod(t, args)
    t.equal(status, 0, stderr)
    return JSON.parse(stdout) as Report
  }
  const keysOf = async (id: number) => {
    const own = createApi(stack, `http://localhost:${portBeside(stack)}`)
    return (await own.get<{ items: { key_id: string }[] }>(`/applications/${id}/keys`, token)).body.items.length
  }
  const first = await report(rotating)
  t.match(first.secret, { name: 'nomic-embed', written: true })
  await stack.age()
  // The key is rotated and the write fails: the Secret still has the first key.
  cluster.fail(503, 'PATCH')
  const refused = await inPod(t, rotating)
  t.match([refused.status, refused.stderr], [2, /status 503/])
  const second = await report(rotating)
  t.match(second, { rotated: false, removed_keys: [], secret: { written: true } })
  t.not(second.key_id, first.key_id)
  await stack.age()
  const early = await report(rotating)
  t.match(early, { rotated: false, removed_keys: [], key_id: second.key_id, secret: { written: false } })
  t.equal(await keysOf(first.application.id), 2, 'created two hours ago in 3scale, and written to the Secret just now')
  const late = await report([...required, '--rotate-after', '30m', '--overlap', '0s', '--output', 'json'])
  t.match(late, { rotated: true, removed_keys: [first.key_id], secret: { written: true } })
  const annotations = cluster.secret(namespace, 'nomic-embed')?.metadata.annotations
  t.match(annotations, { 'maas-portal/key-id': late.key_id, 'maas-portal/key-since': /^\d{4}-/ })
})

t.test('a rejection by the cluster exits with code 1, and an unavailable cluster with code 2', async (t) => {
  const required = ['--model', 'granite-chat', '--name', settings.APPLICATION ?? '', '--apply', '--timeout', '1s']
  const secret = ['--secret', secretName]
  const pod = serviceAccount(t, 'limited')
  const cases: [number, RegExp, string[], Record<string, string>?][] = [
    [1, /cannot get resource "secrets" .* namespace "team-b"/, [...secret, '--namespace', 'team-b']],
    [1, /"other" is forbidden/, ['--secret', 'other']],
    [2, /could not be reached/, secret, { KUBERNETES_SERVICE_PORT: '9' }],
    [1, /requires a pod/, secret, { KUBERNETES_SERVICE_HOST: '' }],
  ]
  for (const [status, words, more, env] of cases) {
    const run = await inPod(t, [...required, ...pod, ...more], env)
    t.equal(run.status, status, run.stderr)
    t.match(run.stderr, words)
    t.equal(run.stdout, '')
  }
  for (const [name, content] of [
    ['ca.crt', undefined],
    ['namespace', undefined],
    ['token', ' \n'],
  ] as const) {
    const folder = t.testdir({ token: 'token-of-limited', 'ca.crt': cluster.ca, namespace })
    if (content === undefined) rmSync(join(folder, name))
    else writeFileSync(join(folder, name), content)
    const run = await inPod(t, [...required, ...secret, '--service-account', folder])
    t.match([run.status, run.stderr], [1, new RegExp(`^--service-account: .*${name}`)], name)
  }
  cluster.fail(409, 'PATCH')
  const conflict = await inPod(t, [...required, ...secret, ...serviceAccount(t, 'limited')])
  t.match([conflict.status, conflict.stderr], [2, /status 409/])
  const unknown = await inPod(t, [...required, ...secret, ...serviceAccount(t, 'unknown', { admitted: false })])
  t.match([unknown.status, unknown.stderr], [1, /status 401/])
})

t.test('a certificate of a private authority is trusted with EXTRA_CA_FILE only', async (t) => {
  const required = ['--model', 'granite-chat', '--name', settings.APPLICATION ?? '', '--timeout', '1s']
  t.equal((await inPod(t, required)).status, 0)
  const { status, stderr } = await inPod(t, required, { EXTRA_CA_FILE: '' })
  t.match([status, stderr], [2, /certificate is not trusted; set EXTRA_CA_FILE/])
})

t.test('a rejected token is replaced once, and a request after 429 is repeated as Retry-After states', async (t) => {
  const required = ['--model', 'granite-chat', '--name', settings.APPLICATION ?? '']
  const list = 'GET /api/v1/applications'
  front.next.push({ match: list, status: 401 }, { match: list, status: 429, headers: { 'retry-after': '1' } })
  front.seen.length = 0
  t.equal((await inPod(t, required)).status, 0)
  t.equal(front.seen.filter((call) => call === list).length, 3)
  front.next.push({ match: list, status: 401 }, { match: list, status: 401 })
  t.match((await inPod(t, required)).status, 1)
  front.next.push({ match: list, status: 429, headers: { 'retry-after': '3600' } })
  const busy = await inPod(t, required)
  t.match([busy.status, busy.stderr], [2, /Run the command again in 3600 seconds/])
  front.next.push({ match: list, status: 200, body: '<html>' })
  const unusual = await inPod(t, required)
  t.match([unusual.status, unusual.stderr], [1, /not JSON/])
  const metadata = 'GET /.well-known/oauth-protected-resource'
  const about = (document: object) =>
    front.next.push({ match: metadata, status: 200, body: JSON.stringify({ resource: front.url, ...document }) })
  about({ authorization_servers: ['http://sso.example.com/realms/maas'] })
  t.match((await inPod(t, required)).stderr, 'without https', 'the client secret is not sent in plain text')
  about({ authorization_servers: [] })
  t.match((await inPod(t, required)).stderr, 'names no identity provider')
})
