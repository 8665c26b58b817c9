import { comment, quoted } from '../languages/escape.js'
import { gapLines } from '../languages/shell.js'
import type { Client } from '../scene.js'
import { settingsOf, useLines } from '../settings.js'

export const kubernetesSecret: Client = {
  client: 'kubernetes-secret',
  group: 'Tools',
  label: 'Kubernetes Secret',
  language: 'yaml',
  filename: () => 'secret.yaml',
  note: 'Apply it with: oc apply -f secret.yaml. The copy without the key goes through envsubst first.',
  limits: { nearest: [] },
  write(scene) {
    return [
      `# ${comment(scene.model.name)}`,
      'apiVersion: v1',
      'kind: Secret',
      'metadata:',
      `  name: ${nameOf(scene.model.system_name)}`,
      'type: Opaque',
      'stringData:',
      ...settingsOf(scene).map(({ name, value, from }) => `  ${name}: ${quoted(value ?? `\${${from}}`)}`),
      ...[...useLines(scene).map((line) => `# ${line}`), ...gapLines(scene)],
    ].join('\n')
  },
}

/** A DNS name (RFC 1123), which names of objects must be. */
function nameOf(systemName: string): string {
  const name = systemName
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 200)
    .replace(/^-+|-+$/g, '')
  return quoted(name === '' ? 'model' : name)
}
