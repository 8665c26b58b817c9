import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildPortal } from '../app.js'
import { loadConfig } from '../config.js'
import { PortalConfig } from '../portal-config.js'

/** Writes the OpenAPI document that the routes describe and, beside it, the schema of PORTAL_CONFIG; no network. */
export async function openapi({ out }: { out: string }): Promise<void> {
  mkdirSync(dirname(out), { recursive: true })
  write(out, await document())
  write(join(dirname(out), 'portal-config.schema.json'), portalConfigSchema())
}

/** JSON Schema of the YAML file that PORTAL_CONFIG names, for editors and for checks before a roll-out. */
export function portalConfigSchema(): object {
  const schema: object = JSON.parse(JSON.stringify(PortalConfig))
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'PORTAL_CONFIG of maas-portal', ...schema }
}

async function document(): Promise<unknown> {
  const portal = await buildPortal(
    loadConfig({
      PUBLIC_URL: 'https://models.example.com',
      THREESCALE_ADMIN_URL: 'https://tenant-admin.3scale.example.com',
      THREESCALE_ACCESS_TOKEN: 'unused',
      OIDC_ISSUER: 'https://sso.example.com/realms/maas',
      OIDC_CLIENT_ID: 'unused',
      OIDC_CLIENT_SECRET: 'unused',
      SESSION_SECRET: 'unused-unused-unused-unused-unused',
      USERNAME_SECRET: 'unused-unused-unused-unused-unused',
      LOG_LEVEL: 'silent',
    }),
  )
  await portal.app.ready()
  const answer = await portal.app.inject({ url: '/api/v1/openapi.json' })
  await portal.stop()
  return answer.json()
}

function write(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}
