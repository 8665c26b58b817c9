import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildPortal } from '../app.js'
import { loadConfig } from '../config/environment.js'
import { PortalConfig } from '../config/portal-config.js'

/** Writes the OpenAPI document of the routes and the schema of PORTAL_CONFIG, without network access. */
export async function openapi({ out }: { out: string }): Promise<void> {
  mkdirSync(dirname(out), { recursive: true })
  write(out, await apiDocument())
  write(join(dirname(out), 'portal-config.schema.json'), portalConfigSchema())
}

/** JSON Schema of PORTAL_CONFIG, for editors and for validation before a deployment. */
export function portalConfigSchema(): object {
  const schema: object = JSON.parse(JSON.stringify(PortalConfig))
  return { $schema: 'http://json-schema.org/draft-07/schema#', title: 'PORTAL_CONFIG of maas-portal', ...schema }
}

/** The OpenAPI document, without the address of a portal. */
export async function apiDocument() {
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
  const document = portal.document()
  await portal.stop()
  return document
}

function write(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`)
}
