import { createHttp } from '../infra/http/http.js'
import { createAccessToken, oneLine } from './key/access-token.js'
import { applicationName, ensureApplication, ensureSignedUp } from './key/application.js'
import { exitCodes, KeyFailure } from './key/key-failure.js'
import { type KeyOptions, settingsOf } from './key/key-options.js'
import { ensureKey, type InUse } from './key/key-rotation.js'
import { type Cluster, connectCluster, type StoredSecret } from './key/kubernetes-cluster.js'
import { keyMessages as messages } from './key/messages.js'
import { createPortalApi, type PortalApi } from './key/portal-api.js'
import { annotation, asEnvironment, asYaml, type SecretManifest, secretOf } from './key/secret-manifest.js'
import { filled, readTemplate } from './key/secret-template.js'

/** The report of a run, for --output json. */
interface Report {
  changed: boolean
  signed_up: boolean
  created: boolean
  rotated: boolean
  removed_keys: string[]
  /** Null: the Secret was not applied. */
  secret: { name: string; namespace: string | null; written: boolean } | null
  application: { id: number; name: string; model: string; plan: string; state: string }
  key_id: string
  model: { state: string; retires_on: string | null; successor: string | null } | null
  values: Record<string, string>
}

/**
 * Ensures that the application and a Secret with its credentials exist; a second run changes nothing. Credentials are written only to
 * standard output or to the cluster. Exit codes: `exitCodes`.
 */
export async function key(options: KeyOptions): Promise<void> {
  // The reader of the pipe is gone. Running the command again returns the same key.
  process.stdout.once('error', ({ code }: NodeJS.ErrnoException) => {
    log(messages.outputFailed(code))
    process.exit(exitCodes.rejected)
  })
  try {
    await run(options)
  } catch (error) {
    if (!(error instanceof KeyFailure)) throw error
    for (const line of error.message.split('\n')) log(line)
    process.exitCode = error.code
  }
}

async function run(options: KeyOptions): Promise<void> {
  const settings = settingsOf(options, process.env)
  const cluster = options.apply ? connectCluster(options.serviceAccount, process.env) : undefined
  const http = createHttp(settings.connections)
  try {
    const accessToken = createAccessToken({
      settings,
      http,
      scope: options.scope,
      parameters: options.tokenParameter ?? {},
    })
    const deadline = Date.now() + options.timeout * 1000
    const api = createPortalApi({ portal: settings.portal, http, accessToken, deadline })
    const { report, manifest } = await synchronise(api, cluster, options)
    write(options, report, manifest)
    process.exitCode = exitCodes.done
  } finally {
    await Promise.all([http.close(), cluster?.close()])
  }
}

async function synchronise(api: PortalApi, cluster: Cluster | undefined, options: KeyOptions) {
  const signedUp = await ensureSignedUp(api, options)
  const { application, created } = await ensureApplication(api, options)
  if (options.plan !== undefined && application.plan !== options.plan)
    log(messages.otherPlan(applicationName(application), application.plan, options.plan))
  const template = await readTemplate(api, application)
  const name = options.secret ?? template.name
  const namespace = options.namespace ?? cluster?.namespace
  const target = cluster && { cluster, name, namespace: namespace ?? cluster.namespace }
  const stored = await target?.cluster.readSecret(target.namespace, target.name)
  const now = new Date()
  const state = await ensureKey(api, application, {
    afterMs: options.rotateAfter === undefined ? undefined : options.rotateAfter * 1000,
    overlapMs: options.overlap * 1000,
    now,
    ...(target ? { inUse: inUseOf(stored) } : {}),
  })
  const values = filled(template, state.current)
  const manifest = secretOf({ name, namespace, application: application.id, keyId: state.current.keyId, values })
  const written = target ? await apply(target, manifest, stored, now) : false
  const report: Report = {
    changed: signedUp || created || state.rotated || state.removed.length > 0 || written,
    signed_up: signedUp,
    created,
    rotated: state.rotated,
    removed_keys: state.removed,
    secret: target ? { name: target.name, namespace: target.namespace, written } : null,
    application: {
      id: application.id,
      name: application.name,
      model: application.model,
      plan: application.plan,
      state: application.state,
    },
    key_id: state.current.keyId,
    model: await readModel(api, application.model),
    values,
  }
  return { report, manifest }
}

interface SecretTarget {
  cluster: Cluster
  namespace: string
  name: string
}

/** Preserves the time at which the Secret received the key, so that a run without changes writes identical data. */
async function apply(
  { cluster, namespace }: SecretTarget,
  manifest: SecretManifest,
  stored: StoredSecret | undefined,
  now: Date,
): Promise<boolean> {
  const before = inUseOf(stored)
  const isSame = before !== 'none' && before.keyId === manifest.metadata.annotations[annotation.keyId]
  const since = isSame ? before.since : now
  const annotations = { ...manifest.metadata.annotations, [annotation.since]: since.toISOString() }
  const applied = await cluster.applySecret(namespace, { ...manifest, metadata: { ...manifest.metadata, annotations } })
  return applied.metadata.resourceVersion !== stored?.metadata.resourceVersion
}

function inUseOf(stored: StoredSecret | undefined): InUse | 'none' {
  const { [annotation.keyId]: keyId, [annotation.since]: at = '' } = stored?.metadata.annotations ?? {}
  const since = new Date(at)
  return keyId === undefined || Number.isNaN(since.getTime()) ? 'none' : { keyId, since }
}

/** Null if the model is no longer available; the application may still work. */
async function readModel(api: PortalApi, systemName: string): Promise<Report['model']> {
  const path = `/models/${encodeURIComponent(systemName)}`
  const { status, body } = await api.get<NonNullable<Report['model']>>(path, { accept: [404] })
  return status === 404 ? null : { state: body.state, retires_on: body.retires_on, successor: body.successor }
}

function write({ apply: applies, output }: KeyOptions, report: Report, manifest: SecretManifest): void {
  const format = output ?? (applies ? undefined : 'secret')
  if (format === 'json') process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  if (format === 'env') process.stdout.write(asEnvironment(report.values))
  if (format === 'secret') process.stdout.write(asYaml(manifest))
  log(summaryOf(report))
  const { model } = report
  if (model === null) log(messages.modelUnavailable(report.application.model))
  else if (model.retires_on !== null)
    log(messages.modelRetires(report.application.model, model.retires_on, model.successor))
}

function summaryOf({ changed, signed_up, created, rotated, removed_keys: removed, secret, ...report }: Report): string {
  const changes = [
    ...(signed_up ? [messages.signedUp] : []),
    ...(created ? [messages.created] : []),
    ...(rotated ? [messages.rotated] : []),
    ...(removed.length > 0 ? [messages.removed(removed.length)] : []),
    ...(secret?.written ? [messages.secretWritten(secret.namespace, secret.name)] : []),
  ]
  return messages.summary(applicationName(report.application), report.key_id, changed ? changes : [])
}

function log(line: string): void {
  process.stderr.write(`${oneLine(line)}\n`)
}
