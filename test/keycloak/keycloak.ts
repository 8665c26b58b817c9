import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { projectRoot } from '../../src/project-root.js'

const REALM = 'maas'

export const secrets = { portal: 'keycloak-walk-portal-secret', service: 'keycloak-walk-service-secret' }

export interface KeycloakOptions {
  /** The values of the realm's placeholders. */
  portalUrl: string
  backchannelUrl: string
  smtpPort: number
}

export type Keycloak = Awaited<ReturnType<typeof startKeycloak>>

/**
 * Keycloak from the distribution that scripts/test-keycloak.mjs unpacked and built (KEYCLOAK_HOME): its programs are read from there,
 * and all files that it writes are in a folder of this run, so that concurrent runs do not conflict. `stop` retains the data.
 */
export async function startKeycloak({ portalUrl, backchannelUrl, smtpPort }: KeycloakOptions) {
  const home = process.env.KEYCLOAK_HOME
  if (!home) throw new Error('KEYCLOAK_HOME is not set: run npm run test:keycloak')
  const folder = mkdtempSync(join(tmpdir(), 'maas-keycloak-'))
  const [port, management] = [await freePort(), await freePort()]
  const origin = `http://localhost:${port}`
  const issuer = `${origin}/realms/${REALM}`
  const adminPassword = crypto.randomUUID()
  let child: ChildProcess | undefined

  // kc.sh uses the folder that contains it as Keycloak's home: it is copied, and the other programs are linked.
  cpSync(join(home, 'bin'), join(folder, 'bin'), { recursive: true })
  for (const name of ['lib', 'conf', 'providers', 'themes']) symlinkSync(join(home, name), join(folder, name))
  mkdirSync(join(folder, 'data', 'import'), { recursive: true })
  writeFileSync(join(folder, 'data', 'import', 'maas-realm.json'), realmFile())

  const keycloak = {
    origin,
    issuer,
    async start() {
      child = launch()
      await ready(child)
    },
    async stop() {
      const running = child
      child = undefined
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const ended = new Promise((resolve) => running.once('exit', resolve))
      const late = setTimeout(() => process.kill(-(running.pid ?? 0), 'SIGKILL'), 20_000)
      running.stdin?.end()
      await ended
      clearTimeout(late)
    },
    async close() {
      await keycloak.stop()
      rmSync(folder, { recursive: true, force: true })
    },
    admin,
    async addPerson(person: Person) {
      const {
        username,
        firstName = 'Test',
        lastName = 'Person',
        password = `${username}-long-passphrase`,
        ...rest
      } = person
      const body = {
        username,
        firstName,
        lastName,
        enabled: true,
        ...rest,
        credentials: [{ type: 'password', value: password, temporary: false }],
      }
      const answer = await admin('POST', '/users', body)
      return answer.headers.get('location')?.split('/').pop() ?? ''
    },
    async findPerson(username: string): Promise<{ id: string } | undefined> {
      const answer = await admin('GET', `/users?exact=true&username=${encodeURIComponent(username)}`)
      const [first] = (await answer.json()) as { id: string }[]
      return first
    },
    async setRealm(changes: object) {
      await admin('PUT', '', changes)
    },
    /** The response of the token endpoint, whatever its status. */
    async token(form: Record<string, string>) {
      const answer = await fetch(`${issuer}/protocol/openid-connect/token`, {
        method: 'POST',
        body: new URLSearchParams(form),
      })
      return { status: answer.status, body: (await answer.json()) as Record<string, string> }
    },
  }
  await keycloak.start()
  return keycloak

  function realmFile(): string {
    return readFileSync(join(projectRoot, 'deploy', 'keycloak', 'realm.json'), 'utf8')
  }

  function launch(): ChildProcess {
    const log = createWriteStream(join(folder, 'keycloak.log'), { flags: 'a' })
    const { PATH = '', HOME = folder, JAVA_HOME, MAAS_KEYCLOAK_LOG } = process.env
    const started = spawn(
      'sh',
      [
        '-c',
        // Stops Keycloak when the walk closes its end of the pipe or is killed, so that no process remains.
        'exec 3<&0; "$@" </dev/null 3<&- & pid=$!; (cat <&3 >/dev/null; kill $pid 2>/dev/null) & wait $pid',
        'sh',
        join(folder, 'bin', 'kc.sh'),
        'start',
        '--optimized',
        '--import-realm',
        '--cache=local',
        '--http-enabled=true',
        '--http-host=127.0.0.1',
        `--http-port=${port}`,
        `--http-management-port=${management}`,
        `--hostname=${origin}`,
      ],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // A separate process group, so that all processes can be ended.
        detached: true,
        env: {
          PATH,
          HOME,
          ...(JAVA_HOME ? { JAVA_HOME } : {}),
          JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx512m',
          JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
          KC_BOOTSTRAP_ADMIN_USERNAME: 'admin',
          KC_BOOTSTRAP_ADMIN_PASSWORD: adminPassword,
          MAAS_PORTAL_SECRET: secrets.portal,
          MAAS_SERVICE_SECRET: secrets.service,
          MAAS_PORTAL_URL: portalUrl,
          MAAS_PORTAL_BACKCHANNEL_URL: backchannelUrl,
          SMTP_HOST: '127.0.0.1',
          SMTP_PORT: String(smtpPort),
        },
      },
    )
    for (const stream of [started.stdout, started.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        log.write(chunk)
        if (MAAS_KEYCLOAK_LOG) process.stderr.write(chunk)
      })
    }
    started.once('exit', () => log.end())
    return started
  }

  /** Discovery responds only after the realm is imported; an open port is not sufficient. */
  async function ready(started: ChildProcess): Promise<void> {
    for (let attempt = 0; attempt < 1200; attempt++) {
      if (started.exitCode !== null) {
        const log = readFileSync(join(folder, 'keycloak.log'), 'utf8')
        throw new Error(`Keycloak ended with ${started.exitCode}:\n${log.slice(-4000)}`)
      }
      const answer = await fetch(`${issuer}/.well-known/openid-configuration`).catch(() => undefined)
      if (answer?.ok) return
      await sleep(200)
    }
    throw new Error('Keycloak does not answer')
  }

  /** The admin API of the realm. Throws on any status except success. */
  async function admin(method: string, path: string, body?: object): Promise<Response> {
    const login = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'password',
        client_id: 'admin-cli',
        username: 'admin',
        password: adminPassword,
      }),
    })
    const { access_token } = (await login.json()) as { access_token: string }
    const answer = await fetch(`${origin}/admin/realms/${REALM}${path}`, {
      method,
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
}

export interface Person {
  username: string
  email: string
  emailVerified: boolean
  firstName?: string
  lastName?: string
  password?: string
  groups?: string[]
  attributes?: Record<string, string[]>
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
