/** Whose weights a tensor is: of the one model, of one of a self-supervised pair, the state of an optimizer, or neither. */
export type TensorRole = 'model' | 'student' | 'teacher' | 'optimizer' | 'other';

export interface CheckpointTensor {
  readonly name: string;
  readonly role: TensorRole;
  /**
   * The name that the parameter has in the bare model: containers and wrappers are stripped, so that a student's tensor and its teacher's have the same.
   * Unique among the tensors of one role.
   */
  readonly parameterName: string;
}

/** Keys under which a whole state dict lies, and attributes that only wrap a model (DataParallel, torch.compile, LightningModule, solo-learn). */
const neutral = new Set([
  'model', 'state_dict', 'model_state_dict', 'model_state', 'model_dict', 'models', 'module', 'net', 'network', 'weights', 'params',
  '_orig_mod', '_fsdp_wrapped_module', '_checkpoint_wrapped_module', 'backbone', 'back_bone', '_forward_module',
]);
/** DINO, MoCo v1-v3, BYOL, I-JEPA, data2vec, lightly and solo-learn call the network that learns by these. */
const students = new Set(['student', 'online', 'online_network', 'online_encoder', 'encoder_q', 'base_encoder', 'query_encoder', 'context_encoder', 'student_backbone']);
/** And the one that follows it. */
const teachers = new Set([
  'teacher', 'ema', 'model_ema', 'ema_model', 'state_dict_ema', 'ema_state_dict', 'model_ema_state_dict', 'target', 'target_network', 'target_encoder',
  'momentum_encoder', 'momentum_network', 'momentum_backbone', 'backbone_momentum', 'teacher_backbone', 'encoder_k', 'key_encoder', 'mean_teacher', 'shadow_params',
]);
const optimizers = new Set([
  'optimizer', 'optimizers', 'optimizer_states', 'optimizer_state_dict', 'optimizer_state', 'optim', 'optim_state_dict', 'opt_state', 'lr_scheduler', 'lr_schedulers',
  'scheduler', 'schedulers', 'scheduler_state_dict', 'scaler', 'grad_scaler', 'amp', 'amp_scaler', 'loss_scaler',
]);
/** What training scripts keep beside the weights. */
const others = new Set([
  'callbacks', 'loops', 'args', 'hyper_parameters', 'rng_state', 'rng_states', 'torch_rng_state', 'cuda_rng_state', 'cuda_rng_state_all', 'numpy_rng_state', 'random_rng_state',
  'rng', 'sampler', 'dataloader', 'queue', 'queue_ptr', 'dino_loss', 'loss', 'criterion', 'loss_fn', 'center',
]);
/** "momentum_projector", "teacher_head", "projection_head_momentum": a part of a pair, named as such. */
const part = /^(?:(momentum|teacher|target|ema|student|online)_(\w+)|(\w+)_(momentum|teacher|target|ema))$/;
const partNames = /^(?:projector|projection|projection_head|predictor|prediction_head|head|classifier|neck)$/;
/** A dictionary with these is a container of several things: what lies beside them is no parameter. */
const surelyContainer = new Set(['state_dict', 'model_state_dict', 'model_state', 'model_dict', 'state_dict_ema', 'model_ema_state_dict', 'ema_state_dict', ...optimizers]);

/**
 * Tells weights from optimizer state, student from teacher, and strips what training scripts put in front of names.
 * @param names full names of all tensors of one checkpoint, keys joined by dots ("student.module.backbone.blocks.0.attn.qkv.weight")
 * @returns as many, in the same order
 */
export function describeStateDict(names: readonly string[]): CheckpointTensor[] {
  const first = new Set(names.map((name) => name.split('.', 1)[0]!));
  const isContainer = [...first].some((key) => surelyContainer.has(key));
  const described = names.map((name): CheckpointTensor => ({ name, ...describe(name, isContainer) }));
  // Stripping may make two names of one ("backbone.norm.weight" and "norm.weight"): then both keep what they had.
  const counts = new Map<string, number>();
  const key = ({ role, parameterName }: CheckpointTensor) => `${role} ${parameterName}`;
  for (const tensor of described) {
    counts.set(key(tensor), (counts.get(key(tensor)) ?? 0) + 1);
  }
  return described.map((tensor) => (counts.get(key(tensor)) === 1 ? tensor : { ...tensor, parameterName: tensor.name }));
}

function describe(name: string, isContainer: boolean): Omit<CheckpointTensor, 'name'> {
  // torch.compile puts its mark wherever a part was compiled.
  const keys = name.split('.').filter((key) => key !== '_orig_mod');
  let role: TensorRole = 'model';
  let inContainer = false;
  let at = 0;
  // The last key names the parameter itself, whatever it is.
  for (; at < keys.length - 1; at++) {
    const key = keys[at]!;
    if (neutral.has(key)) {
      inContainer = true;
    } else if (students.has(key) || teachers.has(key)) {
      role = students.has(key) ? 'student' : 'teacher';
      inContainer = true;
    } else {
      break;
    }
  }
  const next = keys[at] ?? '';
  const rest = keys.slice(at);
  if (role === 'model' && optimizers.has(next) && rest.length > 1) {
    return { role: 'optimizer', parameterName: rest.slice(1).join('.') };
  }
  if ((role === 'model' && others.has(next)) || (at === 0 && isContainer && !inContainer)) {
    return { role: 'other', parameterName: rest.join('.') };
  }
  const named = part.exec(next);
  const partName = named?.[2] ?? named?.[3] ?? '';
  if (role === 'model' && named !== null && partNames.test(partName) && rest.length > 1) {
    const who = named[1] ?? named[4];
    return { role: who === 'student' || who === 'online' ? 'student' : 'teacher', parameterName: [partName, ...rest.slice(1)].join('.') };
  }
  return { role, parameterName: rest.join('.') };
}
