"""The codes of services that policies name, as in `oss:GetObject`.

ASSUMPTION: the list is from memory and not complete. Only the linter reads it, to tell a slip of the pen.
"""

_CODES = (
    "aas acc ack actiontrail adb adcp aegis airec alb alidns alikafka aliyuncvc apigateway arms bailian bpstudio "
    "bss cas cbn cdn cen cloudapi cloudauth cloudfw cloudphoto cloudsso cloudstorage cms cmsx comms composer "
    "computenest config cr cs csb dataworks dbs dcdn ddosbgp ddoscoo dds devops dg dm dms domain drds dts "
    "dybaseapi dysms eais eas ebs ecd eci ecs edas efc ehpc eiam elasticsearch emas emr ens ess eventbridge fc "
    "fcv2 fnf ga gdb gpdb gwlb gws hbase hbr hdm hsm ice imagesearch imm ims iot kms kvstore linkwan live log ltl "
    "market mns mq mqs mse mts nas nis nlb odps oos oss ots outboundbot paistudio polardb privatelink push pvtz "
    "quickbi quotas ram rds redisa resourcecenter resourcedirectory resourcemanager ros rtc sae sag sas scdn "
    "schedulerx servicemesh slb smartag sms sts support swas tablestore tag tingwu tr vod vpc vs waf xtrace "
    "yundun-sddp yunjian "
)

SERVICE_CODES = frozenset(_CODES.split())
