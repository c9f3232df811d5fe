# As whom CloudFormation makes the function: whoever deploys needs no right to make roles.

resource "aws_iam_role" "stack" {
  name               = "${local.name}-stack"
  assume_role_policy = data.aws_iam_policy_document.cloudformation.json
}

data "aws_iam_policy_document" "cloudformation" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["cloudformation.amazonaws.com"]
    }
  }
}

resource "aws_iam_role_policy" "stack" {
  role   = aws_iam_role.stack.id
  policy = data.aws_iam_policy_document.stack.json
}

data "aws_iam_policy_document" "stack" {
  statement {
    sid       = "TheSamTransform"
    actions   = ["cloudformation:CreateChangeSet"]
    resources = ["arn:${local.aws}:cloudformation:${local.region}:aws:transform/Serverless-2016-10-31"]
  }
  statement {
    sid       = "TheFunction"
    actions   = ["lambda:*"]
    resources = ["arn:${local.aws}:lambda:${local.region}:${local.account}:function:${local.name}-*"]
  }
  statement {
    sid = "ItsImage"
    actions = [
      "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy",
    ]
    resources = [aws_ecr_repository.images.arn]
  }
  statement {
    sid       = "ItsKeys"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.keys
  }
  statement {
    sid = "ItsRoles"
    actions = [
      "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
      "iam:GetRole", "iam:GetRolePolicy", "iam:PassRole", "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole",
    ]
    resources = ["arn:${local.aws}:iam::${local.account}:role/${local.name}-*"]
  }
  statement {
    sid     = "ItsSteps"
    actions = ["codedeploy:*"]
    resources = [
      "arn:${local.aws}:codedeploy:${local.region}:${local.account}:application:${local.name}-*",
      "arn:${local.aws}:codedeploy:${local.region}:${local.account}:deploymentgroup:${local.name}-*",
      "arn:${local.aws}:codedeploy:${local.region}:${local.account}:deploymentconfig:*",
    ]
  }
  statement {
    sid       = "ItsLog"
    actions   = ["logs:*"]
    resources = ["arn:${local.aws}:logs:${local.region}:${local.account}:log-group:/aws/lambda/${local.name}-*"]
  }
  statement {
    sid       = "ItsAlarms"
    actions   = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]
    resources = ["arn:${local.aws}:cloudwatch:${local.region}:${local.account}:alarm:${local.name}-*"]
  }
  statement {
    sid       = "WhatHasNoName"
    actions   = ["cloudwatch:DescribeAlarms", "logs:DescribeLogGroups"]
    resources = ["*"]
  }
}
