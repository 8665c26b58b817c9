import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { buildPortal } from '../app.js'
import { loadConfig } from '../config.js'

/** Writes the OpenAPI document that the routes describe; no network, no settings needed. */
export async function openapi({ out }: { out: string }): Promise<void> {
  const portal = await buildPortal(
    loadConfig({
      PUBLIC_URL: 'https://models.example.com',
      THREESCALE_ADMIN_URL: 'https://tenant-admin.3scale.example.com',
      THREESCALE_ACCESS_TOKEN: 'unused',
      OIDC_ISSUER: 'https://sso.example.com/realms/maas',
      OIDC_CLIENT_ID: 'unused',
      OIDC_CLIENT_SECRET: 'unused',
      SESSION_SECRET: 'unused-unused-unused-unused-unused',
      LOG_LEVEL: 'silent',
    }),
  )
  await portal.app.ready()
  const answer = await portal.app.inject({ url: '/api/v1/openapi.json' })
  await portal.stop()
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(answer.json(), null, 2)}\n`)
}
