// Writes deploy/keycloak/realm-import.yaml: realm.json in the format of the Keycloak operator, with each placeholder from a secret.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'

const folder = join(import.meta.dirname, '..', 'deploy', 'keycloak')
const text = readFileSync(join(folder, 'realm.json'), 'utf8')
// In capitals: Keycloak's own placeholders, such as ${username}, are unchanged.
const names = [...new Set([...text.matchAll(/\$\{([A-Z][A-Z_]+)[:}]/g)].map(([, name]) => name))]
const resource = {
  apiVersion: 'k8s.keycloak.org/v2alpha1',
  kind: 'KeycloakRealmImport',
  metadata: { name: 'maas', namespace: 'sso' },
  spec: {
    keycloakCRName: 'sso',
    placeholders: Object.fromEntries(names.map((name) => [name, { secret: { name: 'maas-realm', key: name } }])),
    realm: JSON.parse(text),
  },
}
const head = '# Written from realm.json by scripts/realm-import.mjs. Delete it from the cluster once it is done.\n'
writeFileSync(join(folder, 'realm-import.yaml'), head + stringify(resource, { lineWidth: 0 }))
