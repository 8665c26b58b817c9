import type { Tenant } from '../../http/router.js'
import { addLargeAccounts } from './large-accounts.js'
import { addLargeProducts } from './large-products.js'

/** What the large tenant has in total. */
export const LARGE = { products: 2000, plans: 4000, accounts: 10_000, applications: 100_000 }

/** Fills a tenant that has the everyday products. The same tenant results each time, but for the days of use. */
export function fillLarge({ state, clock }: Pick<Tenant, 'state' | 'clock'>, port: number): void {
  const target = { state: state(), clock, port, backendEndpoint: `http://127.0.0.1:${port + 7}` }
  const existing = target.state.services.filter((service) => service.state !== 'deleted').length
  const services = addLargeProducts(target, LARGE.products - existing)
  addLargeAccounts(target, services, LARGE)
}
