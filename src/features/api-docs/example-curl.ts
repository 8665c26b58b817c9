import type { OpenApiOperation, OpenApiParameter } from '../../web/api/openapi/types.js'

/** A call that runs as it is once TOKEN is set. */
export function exampleCurl(base: string, method: string, path: string, operation: OpenApiOperation): string {
  const filled = path.replace(/\{(\w+)\}/g, (_whole, name: string) => String(exampleOf(operation.parameters, name)))
  const body = operation.requestBody?.content['application/json']?.example
  const lines = [
    `curl${method === 'GET' ? '' : ` -X ${method}`} ${quoted(base + filled)}`,
    '-H "Authorization: Bearer $TOKEN"',
    ...(method === 'POST' ? ['-H "Idempotency-Key: $(date +%s)-$RANDOM"'] : []),
    ...(body === undefined
      ? []
      : [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body, null, 2))}`]),
  ]
  return lines.join(' \\\n  ')
}

function exampleOf(parameters: OpenApiParameter[] = [], name: string): unknown {
  return parameters.find((parameter) => parameter.name === name)?.example ?? name
}

const field = `field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }`
const discovered = (name: string) => `$(curl -s "$ISSUER/.well-known/openid-configuration" | field ${name})`

/** A shell word in single quotes, which expand nothing. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** OAuth 2.0 device authorization grant (RFC 8628). */
export function userTokenScript(issuer: string): string {
  return `ISSUER=${quoted(issuer)}
${field}
DEVICE=$(curl -s "${discovered('device_authorization_endpoint')}" \\
  -d client_id=maas-cli -d scope='openid profile email maas:read maas:write')
echo "Open $(echo "$DEVICE" | field verification_uri_complete) and confirm, then press Enter"
read -r
TOKEN=$(curl -s "${discovered('token_endpoint')}" \\
  -d grant_type=urn:ietf:params:oauth:grant-type:device_code -d client_id=maas-cli \\
  -d device_code="$(echo "$DEVICE" | field device_code)" | field access_token)`
}

/** OAuth 2.0 client credentials (RFC 6749 section 4.4). */
export function serviceTokenScript(issuer: string): string {
  return `ISSUER=${quoted(issuer)}
${field}
TOKEN=$(curl -s "${discovered('token_endpoint')}" \\
  -d grant_type=client_credentials -d scope='maas:read maas:write' \\
  -d client_id="$CLIENT_ID" -d client_secret="$CLIENT_SECRET" | field access_token)`
}
