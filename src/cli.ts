#!/usr/bin/env node
import module from 'node:module'
import { Command, InvalidArgumentError, Option } from 'commander'
import { version } from './version.js'

// Node 22 and later keep what they compiled for the next start; Node 20 has no such function
const { enableCompileCache } = module as { enableCompileCache?: () => unknown }
enableCompileCache?.()

const program = new Command('maas-portal')
  .description('Developer portal for Models as a Service on Red Hat 3scale')
  .version(version)
  .showHelpAfterError()

program
  .command('serve')
  .description('start the portal with the settings of the environment')
  .action(async () => (await import('./cli/portal.js')).servePortal())

program
  .command('demo')
  .description('start the portal with its own 3scale, sign-in service and gateway on this machine')
  .addOption(new Option('--only <part>', 'one part alone').choices(['portal', 'threescale', 'identity', 'gateway']))
  .option('--state <file>', '3scale part: keep its state in this file')
  .addOption(
    new Option('--tenant <kind>', '3scale part: the tenant that it starts with')
      .choices(['demo', 'well-kept', 'empty'])
      .default('demo'),
  )
  .action(async (options) => (await import('./cli/demo.js')).demo(options))

program
  .command('doctor')
  .description('check a tenant with the settings of the environment, read-only')
  .option('--json', 'write the report as JSON')
  .addOption(
    new Option('--fail-on <severity>', 'what ends it with code 1')
      .choices(['error', 'warning', 'info'])
      .default('warning'),
  )
  .addHelpText('after', '\nExit code: 0 without findings, 1 with findings, 2 if not everything could be checked.')
  .action(async (options) => (await import('./cli/doctor.js')).doctor(options))

program
  .command('names')
  .description('list 3scale users whose names are from an earlier build or an older secret; rename them with --apply')
  .option('--apply', 'rename them; without it, nothing is written')
  .option('--json', 'write the list as JSON')
  .addOption(new Option('--only <kind...>', 'only these kinds').choices(['user', 'service', 'anchor', 'invitation']))
  .addOption(new Option('--except <ids>', 'ids of users to leave unchanged, such as 12,34').argParser(idsOf))
  .addHelpText(
    'after',
    '\nExit code: 0 if nothing is left to do, 1 if users remain, 2 if the settings are invalid or 3scale stopped responding.',
  )
  .action(async (options) => (await import('./cli/names.js')).names(options))

program
  .command('openapi')
  .description('write the OpenAPI document of the REST API and the schema of PORTAL_CONFIG')
  .option('--out <file>', 'where to write it', 'openapi/maas-portal.json')
  .action(async (options) => (await import('./cli/openapi.js')).openapi(options))

await program.parseAsync()

function idsOf(list: string): number[] {
  const ids = list.split(',').map(Number)
  if (ids.some((id) => !Number.isInteger(id) || id <= 0)) throw new InvalidArgumentError('Write ids of users as 12,34.')
  return ids
}
