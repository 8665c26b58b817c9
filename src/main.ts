#!/usr/bin/env node
import module from 'node:module'
import { Command, InvalidArgumentError, Option } from 'commander'
import { argumentMessages, help } from './cli/messages.js'
import { build, buildText } from './version.js'

// Node.js 22 and later cache compiled code for the next start. Node.js 20 lacks this function.
const { enableCompileCache } = module as { enableCompileCache?: () => unknown }
enableCompileCache?.()

const program = new Command('maas-portal').description(help.program).version(buildText).showHelpAfterError()

program
  .command('serve')
  .description(help.serve)
  .action(async () => (await import('./cli/serve.js')).serve())

program
  .command('version')
  .description(help.version.command)
  .option('--json', help.version.json)
  .action(({ json }: { json?: boolean }) => {
    process.stdout.write(`${json ? JSON.stringify(build) : buildText}\n`)
  })

program
  .command('demo')
  .description(help.demo.command)
  .addOption(new Option('--only <part>', help.demo.only).choices(['portal', 'threescale', 'identity', 'gateway']))
  .option('--state <file>', help.demo.state)
  .addOption(
    new Option('--tenant <kind>', help.demo.tenant).choices(['demo', 'clean', 'empty', 'large']).default('demo'),
  )
  .action(async (options) => (await import('./cli/demo.js')).demo(options))

program
  .command('doctor')
  .description(help.doctor.command)
  .option('--json', help.doctor.json)
  .addOption(
    new Option('--fail-on <severity>', help.doctor.failOn).choices(['error', 'warning', 'info']).default('warning'),
  )
  .addHelpText('after', help.doctor.exitCodes)
  .action(async (options) => (await import('./cli/doctor.js')).doctor(options))

program
  .command('names')
  .description(help.names.command)
  .option('--apply', help.names.apply)
  .option('--json', help.names.json)
  .addOption(
    new Option('--only <kind...>', help.names.only).choices(['user', 'service', 'claim_account', 'invitation']),
  )
  .addOption(new Option('--except <ids>', help.names.except).argParser(idsOf))
  .addHelpText('after', help.names.exitCodes)
  .action(async (options) => (await import('./cli/names.js')).names(options))

program
  .command('key')
  .description(help.key.command)
  .option('--portal <url>', help.key.portal)
  .requiredOption('--model <system_name>', help.key.model, trimmed)
  .requiredOption('--name <name>', help.key.name, trimmed)
  .option('--plan <system_name>', help.key.plan)
  .option('--description <text>', help.key.description)
  .option('--field <name=value>', help.key.field, pairOf)
  .option('--sign-up', help.key.signUp)
  .option('--join <id>', help.key.join, idOf)
  .option('--accept-terms <version>', help.key.acceptTerms)
  .option('--account-field <name=value>', help.key.accountField, pairOf)
  .option('--secret <name>', help.key.secret)
  .option('--namespace <name>', help.key.namespace)
  .addOption(new Option('--output <format>', help.key.output).choices(['secret', 'env', 'json']))
  .option('--apply', help.key.apply)
  .option('--rotate-after <duration>', help.key.rotateAfter, secondsOf)
  .addOption(new Option('--overlap <duration>', help.key.overlap).argParser(secondsOf).default(86_400, '1d'))
  .addOption(new Option('--timeout <duration>', help.key.timeout).argParser(secondsOf).default(120, '2m'))
  .option('--scope <scopes>', help.key.scope, 'maas:read maas:write maas:reveal')
  .option('--token-parameter <name=value>', help.key.tokenParameter, pairOf)
  .option('--service-account <folder>', help.key.serviceAccount, '/var/run/secrets/kubernetes.io/serviceaccount')
  .addHelpText('after', help.key.more)
  .action(async (options) => (await import('./cli/key.js')).key(options))

program
  .command('openapi')
  .description(help.openapi.command)
  .option('--out <file>', help.openapi.out, 'openapi/maas-portal.json')
  .action(async (options) => (await import('./cli/openapi.js')).openapi(options))

await program.parseAsync()

function idsOf(list: string): number[] {
  const ids = list.split(',').map(Number)
  if (ids.some((id) => !Number.isInteger(id) || id <= 0)) throw new InvalidArgumentError(argumentMessages.userIds)
  return ids
}

/** The portal stores names without surrounding spaces. */
function trimmed(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError(argumentMessages.emptyName)
  return text.trim()
}

function idOf(text: string): number {
  const id = Number(text)
  if (!Number.isSafeInteger(id) || id <= 0) throw new InvalidArgumentError(argumentMessages.accountId)
  return id
}

function secondsOf(text: string): number {
  const [, amount, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }[unit]
  if (amount === undefined || seconds === undefined) throw new InvalidArgumentError(argumentMessages.duration)
  return Number(amount) * seconds
}

function pairOf(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError(argumentMessages.pair)
  return { ...before, [name]: value }
}
