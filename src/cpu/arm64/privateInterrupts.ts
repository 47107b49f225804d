/** The PPIs of the generic timers and the performance monitor (Arm Base System Architecture 3.6). */
export const privateInterrupt = { performance: 23, virtualTimer: 27, physicalTimer: 30 } as const;
