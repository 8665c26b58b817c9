export interface GatewaySettings {
  /** an authorised key is answered first and checked afterwards */
  auth_cache: boolean
  /** how long the configuration of a product is cached; 0: it is loaded for each request */
  configuration_seconds: number
  /** Instances of the gateway, each with its own authorization cache. Requests are distributed in turn. */
  pods: number
  /** when a backend that accepts and never responds is abandoned */
  backend_timeout_seconds: number
}

/** `real`: like a 3scale in production. `quick`: a promoted configuration takes effect immediately, for users of the demo. */
export type Timing = 'real' | 'quick'

const checks: { [name in keyof GatewaySettings]: { isValid(value: unknown): boolean; rule: string } } = {
  auth_cache: { isValid: (value) => typeof value === 'boolean', rule: 'true or false' },
  configuration_seconds: { isValid: (value) => isNumber(value) && value >= 0, rule: 'a number from 0 up' },
  pods: { isValid: (value) => Number.isInteger(value) && Number(value) >= 1, rule: 'a whole number from 1 up' },
  backend_timeout_seconds: { isValid: (value) => isNumber(value) && value > 0, rule: 'a number above 0' },
}

/** The gateway's settings; those of production at first (APIcast, gateway/config/production.lua; proxy_read_timeout 60 s). */
export function createSettings(timing: Timing) {
  let current: GatewaySettings = {
    auth_cache: true,
    configuration_seconds: timing === 'real' ? 300 : 0,
    pods: 1,
    backend_timeout_seconds: 60,
  }

  return {
    current: () => current,
    /** Returns the error of the change, or undefined if it was applied. */
    change(body: unknown): string | undefined {
      if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'Send a JSON object.'
      for (const [name, value] of Object.entries(body)) {
        if (!isSetting(name)) return `There is no setting "${name}". Send one of ${Object.keys(checks).join(', ')}.`
        if (!checks[name].isValid(value)) return `"${name}" must be ${checks[name].rule}.`
      }
      current = { ...current, ...body }
      return undefined
    },
  }
}

export type Settings = ReturnType<typeof createSettings>

function isSetting(name: string): name is keyof GatewaySettings {
  return name in checks
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
