import { answerJobs } from '../../clients/thread-jobs.js'
import { readPart } from './read.js'

answerJobs(readPart)
