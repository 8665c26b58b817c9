import { accountShots } from './account.js'
import { applicationShots } from './applications.js'
import { modelShots } from './models.js'
import type { Shot } from './shot.js'
import { useShots } from './use.js'

/** In the order of the gallery. */
export const shots: Shot[] = [...modelShots, ...applicationShots, ...useShots, ...accountShots]
