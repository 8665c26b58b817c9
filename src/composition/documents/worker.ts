import { handleJobs } from '../../infra/worker/worker-jobs.js'
import { readPart } from './read-document.js'

handleJobs(readPart)
