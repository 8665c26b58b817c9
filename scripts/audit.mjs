// `npm run audit`: known vulnerabilities of the production packages, from the registry's own list. Exits with 1 if there are
// any. A registry without such a list (many mirrors) is reported in capitals, and is a failure with AUDIT=required.
import { npm } from './npm.mjs'

const { stdout, stderr } = npm(['audit', '--omit=dev', '--json'], { encoding: 'utf8' })
const report = readJson(stdout)
const counts = report?.metadata?.vulnerabilities

if (!counts) {
  const reason = /(?:npm (?:warn|error) )?(?:audit )?(\d{3} [^\n]*|[^\n]*endpoint[^\n]*|[^\n]*E[A-Z]+[^\n]*)/.exec(
    stderr,
  )?.[1]
  process.stdout.write(
    `NOT AUDITED: the registry gives no list of vulnerabilities (${reason ?? report?.message ?? 'no answer'}).\n`,
  )
  process.stdout.write(
    'Run "npm audit --omit=dev" where the public registry is reachable; with AUDIT=required this is a failure.\n',
  )
  process.exit(process.env.AUDIT === 'required' ? 1 : 0)
}
for (const { name, severity, range, via } of Object.values(report.vulnerabilities)) {
  const titles = via.map((each) => (typeof each === 'string' ? each : `${each.title} (${each.url})`)).join('; ')
  process.stdout.write(`${severity}: ${name} ${range}: ${titles}\n`)
}
process.stdout.write(
  `audited ${report.metadata.dependencies?.prod ?? '?'} packages of production: ${counts.total} vulnerabilities\n`,
)
process.exit(counts.total > 0 ? 1 : 0)

function readJson(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
