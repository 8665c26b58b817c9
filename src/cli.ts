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
  .description('look the tenant over, with the settings of the environment; it only reads')
  .option('--json', 'write the report as JSON')
  .addOption(
    new Option('--fail-on <severity>', 'what ends it with code 1')
      .choices(['error', 'warning', 'info'])
      .default('warning'),
  )
  .addHelpText('after', '\nEnds with 0 when all is well, 1 with findings, 2 when it could not look at everything.')
  .action(async (options) => (await import('./cli/doctor.js')).doctor(options))

program
  .command('names')
  .description('list the users of 3scale that have names of an earlier build or secret, and rename them')
  .option('--apply', 'rename them; without it nothing is written')
  .option('--json', 'write the list as JSON')
  .addOption(new Option('--only <kind...>', 'these kinds alone').choices(['user', 'service', 'anchor', 'invitation']))
  .addOption(new Option('--except <ids>', 'users that keep their names, as 12,34').argParser(idsOf))
  .addHelpText(
    'after',
    '\nEnds with 0 when nothing is left to do, 1 when something is, 2 when it could not be finished.',
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
